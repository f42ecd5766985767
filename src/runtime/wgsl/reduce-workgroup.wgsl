// Sum and maximum over a workgroup by a tree in workgroup memory. Every lane must call these, and every lane gets the result.
// The importing shader declares `const LANES` (a power of two, its workgroup size).
var<workgroup> reduceScratch: array<f32, LANES>;

fn reduceSum(value: f32, lane: u32) -> f32 {
  reduceScratch[lane] = value;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) { reduceScratch[lane] += reduceScratch[lane + step]; }
    workgroupBarrier();
  }
  let total = reduceScratch[0];
  workgroupBarrier();
  return total;
}

fn reduceMax(value: f32, lane: u32) -> f32 {
  reduceScratch[lane] = value;
  workgroupBarrier();
  for (var step = LANES / 2u; step > 0u; step /= 2u) {
    if (lane < step) { reduceScratch[lane] = max(reduceScratch[lane], reduceScratch[lane + step]); }
    workgroupBarrier();
  }
  let top = reduceScratch[0];
  workgroupBarrier();
  return top;
}
