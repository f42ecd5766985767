// YOLOv8's decoding of a level from its definition: softmax expectation of each side, sigmoid of each class.

export function detect(
  distances: Float32Array,
  logits: Float32Array,
  o: {
    readonly height: number;
    readonly width: number;
    readonly bins: number;
    readonly classes: number;
    /** Channels of the logits. */
    readonly depth: number;
    readonly stride: number;
  },
): { boxes: Float64Array; scores: Float64Array; classes: Float64Array } {
  const anchors = o.height * o.width;
  const found = {
    boxes: new Float64Array(4 * anchors),
    scores: new Float64Array(anchors),
    classes: new Float64Array(anchors),
  };
  for (let a = 0; a < anchors; a++) {
    const side = (s: number): number => {
      const powers = Array.from({ length: o.bins }, (_, b) =>
        Math.exp(distances[(a * 4 + s) * o.bins + b] ?? Number.NaN),
      );
      const sum = powers.reduce((x, y) => x + y, 0);
      return powers.reduce((total, p, b) => total + (p / sum) * b, 0);
    };
    const [x, y] = [(a % o.width) + 0.5, Math.floor(a / o.width) + 0.5];
    const [x1, y1, x2, y2] = [x - side(0), y - side(1), x + side(2), y + side(3)];
    found.boxes.set(
      [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1].map((v) => v * o.stride),
      4 * a,
    );
    const scores = Array.from(
      { length: o.classes },
      (_, c) => 1 / (1 + Math.exp(-(logits[a * o.depth + c] ?? Number.NaN))),
    );
    found.scores[a] = Math.max(...scores);
    found.classes[a] = scores.indexOf(found.scores[a] ?? Number.NaN);
  }
  return found;
}
