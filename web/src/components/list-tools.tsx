// SPDX-License-Identifier: MIT
// Below the job list's filters: its columns and saved views, loaded when they are opened.
import { useState } from 'preact/hooks';
import type { ComponentChildren } from 'preact';
import type { ColumnName, Filters } from '../filters.ts';
import { type Key, t } from '../words.ts';
import { Later } from './later.tsx';

const loadColumns = async () => (await import('./job-columns.tsx')).JobColumns;
const loadViews = async () => (await import('./job-views.tsx')).JobViews;

function Drawer({ word, children }: { word: Key; children: () => ComponentChildren }) {
  const [open, setOpen] = useState(false);
  return (
    <details onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>{t(word)}</summary>
      {open && children()}
    </details>
  );
}

export function ListTools({ filters, shown }: { filters: Filters; shown: readonly ColumnName[] }) {
  return (
    <div class="list-tools">
      <Drawer word="jobs.columns">
        {() => <Later load={loadColumns}>{(Columns) => <Columns filters={filters} shown={shown} />}</Later>}
      </Drawer>
      <Drawer word="jobs.views">{() => <Later load={loadViews}>{(Views) => <Views filters={filters} />}</Later>}</Drawer>
    </div>
  );
}
