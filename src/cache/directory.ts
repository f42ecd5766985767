// A model folder that the user picked.

/**
 * The files of a folder of the user's disk (`showDirectoryPicker()`) or of the page's own (OPFS), as `engine.load()` and `ModelCache.store()`
 * take them; the list of an `<input type="file" webkitdirectory>` is taken as it is. Folders within are left out, and nothing is read yet.
 */
export async function filesOf(directory: FileSystemDirectoryHandle): Promise<File[]> {
  const files: File[] = [];
  for await (const handle of directory.values()) {
    if (handle.kind === 'file') files.push(await (handle as FileSystemFileHandle).getFile());
  }
  return files;
}
