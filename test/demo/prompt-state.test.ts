// What clicks add up to.
import { expect, test } from 'vitest';
import { PromptState } from '../../examples/demo/src/prompt-state.ts';

test('points and a box become a prompt, and undo takes them back one by one', () => {
  const state = new PromptState();
  expect(state.toPrompt()).toBeNull();
  state.addPoint({ x: 1, y: 2, label: 1 });
  state.setBox([0, 0, 5, 5]);
  state.addPoint({ x: 3, y: 4, label: 0 });
  expect(state.toPrompt()).toEqual({
    points: [
      [1, 2],
      [3, 4],
    ],
    labels: [1, 0],
    box: [0, 0, 5, 5],
  });
  state.undo();
  state.undo();
  expect(state.toPrompt()).toEqual({ points: [[1, 2]], labels: [1] });
  state.undo();
  expect(state.empty).toBe(true);
  state.undo();
  expect(state.toPrompt()).toBeNull();
});

test('a second box replaces the first, and undo brings the first back', () => {
  const state = new PromptState();
  state.setBox([0, 0, 5, 5]);
  state.setBox([1, 1, 9, 9]);
  expect(state.toPrompt()).toEqual({ box: [1, 1, 9, 9] });
  state.undo();
  expect(state.toPrompt()).toEqual({ box: [0, 0, 5, 5] });
});

test('background points alone ask for nothing: they do not say where the object is', () => {
  const state = new PromptState();
  state.addPoint({ x: 1, y: 2, label: 0 });
  expect(state.toPrompt()).toBeNull();
  state.clear();
  expect(state.empty).toBe(true);
});
