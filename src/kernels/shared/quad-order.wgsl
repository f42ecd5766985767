// Where channels lie when a quad shares the loads of a row: each of its lanes loads every fourth vec4 of them and gets the others from its
// neighbours (`#import quad`), across, down, and both, so the four vec4s of a chunk lie in another order in each lane.
// Register i of lane `part` of the quad holds vec4 number `quadOrder(part, i)`; beyond the last one it holds that.
fn quadOrder(part: u32, i: u32) -> u32 { return (i / 4u) * 4u + (part ^ (i % 4u)); }
