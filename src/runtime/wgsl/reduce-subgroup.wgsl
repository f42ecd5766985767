// Sum and maximum over a workgroup: first inside each subgroup, then over the subgroups in workgroup memory. Subgroup sizes differ by
// device, so a lane finds its subgroup's slot through the first lane's index. Every lane must call these, and every lane gets the result.
// The importing shader declares `const LANES` (its workgroup size).
var<workgroup> reduceScratch: array<f32, LANES>;

fn reduceSum(value: f32, lane: u32) -> f32 {
  let part = subgroupAdd(value);
  reduceScratch[lane] = select(0.0, part, subgroupElect());
  workgroupBarrier();
  var total = 0.0;
  for (var i = 0u; i < LANES; i += 4u) {
    total += reduceScratch[i] + reduceScratch[i + 1u] + reduceScratch[i + 2u] + reduceScratch[i + 3u];
  }
  workgroupBarrier();
  return total;
}

fn reduceMax(value: f32, lane: u32) -> f32 {
  reduceScratch[lane] = subgroupMax(value);
  workgroupBarrier();
  var top = reduceScratch[0];
  for (var i = 1u; i < LANES; i++) { top = max(top, reduceScratch[i]); }
  workgroupBarrier();
  return top;
}
