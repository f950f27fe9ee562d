// SPDX-License-Identifier: MIT
// The text of a job with the numbers of its lines. A plain text area: it is the browser's own, so that every keyboard,
// reader and input method works; it is as high as the text, so that text and numbers move together.
import { useEffect, useRef } from 'preact/hooks';
import { t } from '../words.ts';

interface Props {
  text: string;
  /** Lines from 0 that are marked as changed. */
  changed: ReadonlySet<number>;
  /** The line from 1 that is wrong; null: none is. */
  wrong: number | null;
  onChange: (text: string) => void;
}

/** The line to be shown, asked for by another part of the page. */
export function showLine(line: number): void {
  const area = document.querySelector<HTMLTextAreaElement>('.yaml-area textarea');
  if (!area) return;
  const lines = area.value.split('\n');
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
  area.focus();
  area.setSelectionRange(start, start + (lines[line - 1]?.length ?? 0));
  area.parentElement?.querySelectorAll('li')[line - 1]?.scrollIntoView({ block: 'center' });
}

export function YamlArea({ text, changed, wrong, onChange }: Props) {
  const area = useRef<HTMLTextAreaElement>(null);
  const lines = text.split('\n');
  useEffect(() => {
    // A text of the form's keeps the cursor where it was.
    if (area.current && area.current.value !== text) area.current.value = text;
  }, [text]);
  return (
    <div class="yaml-area">
      <ol aria-hidden="true">
        {lines.map((_, index) => (
          <li key={index} class={`${index + 1 === wrong ? 'wrong ' : ''}${changed.has(index) ? 'new' : ''}`} />
        ))}
      </ol>
      <textarea
        ref={area}
        rows={lines.length}
        wrap="off"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        aria-label={t('submit.text')}
        aria-invalid={wrong !== null || undefined}
        aria-describedby="submit-verdict"
        defaultValue={text}
        onInput={({ currentTarget }) => onChange(currentTarget.value)}
      />
    </div>
  );
}
