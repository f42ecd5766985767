// Workgroups are one-dimensional; the runtime folds large counts into two dimensions and splits long launches (docs/architecture.md).
fn linearGroup(groupId: vec3<u32>, groupCounts: vec3<u32>) -> u32 {
  return params.firstGroup + groupId.y * groupCounts.x + groupId.x;
}
