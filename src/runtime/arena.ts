// One pool of slabs an engine, shared by all plans in queue order. Slab i is as large as the largest slab i of any plan so far. Beside them textures,
// by the name of their place in a launch, for activations that a kernel reads as such.
import type { Buffers } from './buffers.ts';
import type { TexelShape } from './texels.ts';

/** Memory that a plan needs of the arena while it runs. */
export interface ArenaNeeds {
  readonly slabs: readonly number[];
  readonly texels: ReadonlyMap<string, TexelShape>;
}

interface Texels {
  readonly texture: GPUTexture;
  readonly bytes: number;
}

/** Bytes of an arena that serves all of them. */
export function arenaBytes(needs: readonly ArenaNeeds[]): number {
  const most = new Map<string | number, number>();
  for (const { slabs, texels } of needs) {
    for (const [key, bytes] of [
      ...slabs.entries(),
      ...[...texels].map(([place, { bytes }]) => [place, bytes] as const),
    ])
      most.set(key, Math.max(most.get(key) ?? 0, bytes));
  }
  return [...most.values()].reduce((sum, bytes) => sum + bytes, 0);
}

export class Arena {
  readonly #buffers: Buffers;
  #slabs: GPUBuffer[] = [];
  readonly #texels = new Map<string, Texels>();
  /** Changes when a slab or a texture was replaced: plans then renew their bind groups. */
  generation = 0;

  constructor(buffers: Buffers) {
    this.#buffers = buffers;
  }

  /** Bytes held now. */
  get bytes(): number {
    let bytes = this.#slabs.reduce((sum, slab) => sum + slab.size, 0);
    for (const texels of this.#texels.values()) bytes += texels.bytes;
    return bytes;
  }

  /** Bytes that `reserve` would add. */
  growth({ slabs, texels }: ArenaNeeds): number {
    let growth = slabs.reduce((sum, bytes, i) => sum + Math.max(0, bytes - (this.#slabs[i]?.size ?? 0)), 0);
    for (const [place, { bytes }] of texels) growth += Math.max(0, bytes - (this.#texels.get(place)?.bytes ?? 0));
    return growth;
  }

  /** Makes slabs and textures at least as large as needed. Runs that are under way keep the old ones until they finish. */
  reserve({ slabs, texels }: ArenaNeeds): void {
    for (const [i, bytes] of slabs.entries()) {
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
    for (const [place, shape] of texels) {
      const old = this.#texels.get(place);
      if (old !== undefined && old.bytes >= shape.bytes) continue;
      if (old !== undefined) this.#buffers.destroy(old.texture);
      this.#texels.delete(place); // the device may refuse the next one
      this.generation++;
      this.#texels.set(place, { texture: this.#buffers.createTexels(`arena/${place}`, shape), bytes: shape.bytes });
    }
  }

  /** The texture of a place that was reserved. */
  texels(place: string): GPUTexture {
    return (this.#texels.get(place) as Texels).texture;
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
    for (const { texture } of this.#texels.values()) this.#buffers.destroy(texture);
    this.#texels.clear();
    this.generation++;
  }
}
