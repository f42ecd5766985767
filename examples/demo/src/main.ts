// Where the page begins: the app, its view, and the controls between them.
import './tokens.css';
import './layout.css';
import './controls.css';
import { App } from './app.ts';
import { byId } from './dom.ts';
import { listenForPhotos } from './photo-input.ts';
import { listen, type Tool } from './pointing.ts';
import { View } from './view.ts';

const tools = [...document.querySelectorAll<HTMLInputElement>('input[name="tool"]')];
const tool = (): Tool => (tools.find(({ checked }) => checked)?.value ?? 'include') as Tool;
const setTool = (name: Tool): void => {
  for (const input of tools) input.checked = input.value === name;
  view.stage.frame.dataset.tool = name;
};

const view = new View({
  onHover: (found) => app.hover(found, tool()),
  onSelect: (found) => app.select(found),
});
const app: App = new App(new URL('./weights/', location.href).href, view);

listenForPhotos(
  (photo) => {
    setTool('include');
    void app.open(photo);
  },
  (advice) => view.advise(advice),
);

listen(view.stage, {
  tool,
  size: () => app.photo ?? { width: 1, height: 1 },
  onPoint(x, y, label) {
    app.prompt.addPoint({ x, y, label });
    void app.segment();
  },
  onBox(box) {
    app.prompt.setBox(box);
    void app.segment();
  },
  onPick: (x, y) => app.pick(x, y),
  onHover: (at) => app.hover(at, tool()),
  onDraft: (draft, cross) => view.draft(draft, cross),
});

const onClick = (id: string, act: () => unknown): void =>
  byId(id, HTMLButtonElement).addEventListener('click', () => void act());
const undo = (): void => {
  app.prompt.undo();
  void app.segment();
};
const mode = byId('mode', HTMLSelectElement);

onClick('undo', undo);
onClick('clear', () => {
  app.clear();
  setTool('include');
});
onClick('everything', () => {
  setTool('select');
  const pointsPerSide = Number(mode.value);
  return app.everything(pointsPerSide > 0 ? { pointsPerSide } : 'objects');
});
onClick('stop', () => app.cancel());
onClick('save-json', () => app.saveJson());
onClick('save-one', () => app.saveCutOut('selected'));
onClick('save-all', () => app.saveCutOut('all'));
onClick('profile', () => app.profile());
onClick('restart', () => app.restart());
onClick('dismiss', () => view.hideNotice());
for (const input of tools) input.addEventListener('change', () => setTool(tool()));

addEventListener('keydown', (event) => {
  const typing = event.target instanceof HTMLSelectElement;
  if (typing || event.altKey) return;
  if ((event.ctrlKey || event.metaKey) && event.key === 'z') {
    if (!app.prompt.empty) undo();
    event.preventDefault();
  } else if (event.key === 'Escape') app.clear();
});
