// One pool of slabs an engine, shared by all plans in queue order. Slab i is as large as the largest slab i of any plan so far.
import type { Buffers } from './buffers.ts';

export class Arena {
  readonly #buffers: Buffers;
  #slabs: GPUBuffer[] = [];
  /** Changes when a slab was replaced: plans then renew their bind groups. */
  generation = 0;

  constructor(buffers: Buffers) {
    this.#buffers = buffers;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#slabs.reduce((sum, slab) => sum + slab.size, 0);
  }

  /** Bytes that `reserve` would add. */
  growth(sizes: readonly number[]): number {
    return sizes.reduce((sum, bytes, i) => sum + Math.max(0, bytes - (this.#slabs[i]?.size ?? 0)), 0);
  }

  /** Makes slab i at least `sizes[i]` bytes large, for all i. Runs that are under way keep the old buffers until they finish. */
  reserve(sizes: readonly number[]): void {
    for (const [i, bytes] of sizes.entries()) {
      const old = this.#slabs[i];
      if (old !== undefined && old.size >= bytes) continue;
      if (old !== undefined) this.#buffers.destroy(old);
      this.#slabs[i] = this.#buffers.create(
        `arena/${i}`,
        bytes,
        GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST,
      );
      this.generation++;
    }
  }

  slab(index: number): GPUBuffer {
    const slab = this.#slabs[index];
    if (slab === undefined) throw new Error(`arena: no slab ${index}`);
    return slab;
  }

  /** Gives all memory back; the next plan that runs reserves anew. */
  clear(): void {
    for (const slab of this.#slabs) this.#buffers.destroy(slab);
    this.#slabs = [];
    this.generation++;
  }
}
