// Lifetimes to slabs: temporaries that are never alive together share a slab. Pure, no GPU.
// Greedy by size (largest first) over interval conflicts, as in Pisarchyk & Lee 2020, arXiv:2001.03288 ("greedy by size").

export interface Lifetime {
  readonly id: number;
  readonly bytes: number;
  /** Index of the launch that writes it first. */
  readonly first: number;
  /** Index of the launch that uses it last. */
  readonly last: number;
}

export interface SlabPlan {
  /** Bytes of each slab, largest first. */
  readonly slabs: readonly number[];
  /** Slab of each tensor id. */
  readonly slabOf: ReadonlyMap<number, number>;
}

/** Assigns every lifetime a slab, so that no two tensors that overlap in time share one. */
export function planSlabs(lifetimes: readonly Lifetime[]): SlabPlan {
  const bySize = [...lifetimes].sort((a, b) => b.bytes - a.bytes || a.first - b.first || a.id - b.id);
  const slabs: { bytes: number; users: Lifetime[] }[] = [];
  const slabOf = new Map<number, number>();
  for (const tensor of bySize) {
    // The smallest slab that is free for the whole lifetime: slabs never grow, since tensors come largest first.
    let best = -1;
    for (const [i, slab] of slabs.entries()) {
      if (slab.users.some((u) => u.first <= tensor.last && tensor.first <= u.last)) continue;
      if (best < 0 || slab.bytes < (slabs[best]?.bytes ?? Number.POSITIVE_INFINITY)) best = i;
    }
    if (best < 0) {
      best = slabs.length;
      slabs.push({ bytes: tensor.bytes, users: [] });
    }
    slabs[best]?.users.push(tensor);
    slabOf.set(tensor.id, best);
  }
  return { slabs: slabs.map((s) => s.bytes), slabOf };
}
