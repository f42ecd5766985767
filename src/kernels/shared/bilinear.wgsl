// Where an output sample falls in the input when centres of pixels correspond (PyTorch's align_corners = false), computed in integers:
// 2 outSize times the source coordinate is (2 at + 1) inSize - outSize, so position and fraction are exact for sizes below 16,384.
struct Tap {
  first: i32,    // pixel at or before the sample, may be -1 or below
  fraction: f32, // in [0, 1), towards the next pixel
}

fn sourceTap(at: u32, inSize: u32, outSize: u32) -> Tap {
  let whole = 2i * i32(outSize);
  let offset = (2i * i32(at) + 1i) * i32(inSize) - i32(outSize) + whole; // whole is added, for division truncates; -1/2 is the least
  return Tap(offset / whole - 1i, f32(offset % whole) / f32(whole));
}

// The same with samples before the first pixel's centre moved onto it, as PyTorch's bilinear mode has it.
fn bilinearTap(at: u32, inSize: u32, outSize: u32) -> Tap {
  let tap = sourceTap(at, inSize, outSize);
  if (tap.first < 0i) { return Tap(0i, 0.0); }
  return tap;
}
