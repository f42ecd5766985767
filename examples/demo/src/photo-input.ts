// Ways for a photo to come in: the file dialogue, a drop anywhere on the page, the clipboard, and the photos that are bundled.
import { byId } from './dom.ts';

export interface GivenPhoto {
  readonly file: Blob;
  readonly name: string;
}

/**
 * @param onPhoto a file, not looked at yet
 * @param onNone something was dropped or pasted that holds no file; says what to do instead
 */
export function listenForPhotos(onPhoto: (photo: GivenPhoto) => void, onNone: (advice: string) => void): void {
  const give = (file: File | undefined, advice: string): void => {
    if (file) onPhoto({ file, name: file.name });
    else onNone(advice);
  };

  const input = byId('file', HTMLInputElement);
  for (const id of ['choose', 'other']) byId(id, HTMLButtonElement).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    const [file] = input.files ?? [];
    // The same file may be chosen again.
    input.value = '';
    if (file) onPhoto({ file, name: file.name });
  });

  // Everywhere, since a drop beside a target would make the browser leave the page and open the file.
  const mark = (over: boolean): boolean => document.body.classList.toggle('drop', over);
  addEventListener('dragover', (event) => {
    event.preventDefault();
    mark(true);
  });
  addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) mark(false);
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    mark(false);
    give(
      event.dataTransfer?.files[0],
      'Drop a file of this machine: pictures of other pages cannot be read from here.',
    );
  });
  addEventListener('paste', (event) => {
    give(event.clipboardData?.files[0], 'The clipboard holds no picture.');
  });

  for (const button of document.querySelectorAll<HTMLButtonElement>('button.sample')) {
    button.addEventListener('click', async () => {
      const image = button.querySelector('img');
      const address = image?.src ?? '';
      const name = `${button.dataset.name}.jpg`;
      try {
        const response = await fetch(address);
        if (!response.ok) throw new Error(`HTTP ${response.status}`);
        onPhoto({ file: await response.blob(), name });
      } catch (error) {
        onNone(`${name} did not load: ${String(error)}`);
      }
    });
  }
}
