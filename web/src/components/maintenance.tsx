// SPDX-License-Identifier: MIT
// Maintenance windows: a list for everybody; admins plan and remove them. Its code is loaded with the page of nodes.
import '../styles/admin.css';
import '../styles/notices.css';
import { useState } from 'preact/hooks';
import { absolute } from '../format.ts';
import type { Window } from '../maintenance.ts';
import { listWindows, removeWindow } from '../maintenance-api.ts';
import { tn } from '../notice-words.ts';
import { nodeHref } from '../router.ts';
import { notify, session } from '../store.ts';
import { language } from '../words.ts';
import { Confirm } from './confirm.tsx';
import { Loaded } from './loaded.tsx';
import { MaintenanceForm } from './maintenance-form.tsx';
import { MaintenanceMove } from './maintenance-move.tsx';
import { useLive } from './use-live.ts';
import { useQuietPoll } from './use-poll.ts';

const AGAIN_MS = 10_000;

/** `nodes`: the names of all that there are. */
export function Maintenance({ nodes }: { nodes: readonly string[] }) {
  const live = useLive(listWindows, '', (change) => change.kind === 'reset');
  useQuietPoll(() => live.refresh(), AGAIN_MS);
  const [removing, setRemoving] = useState<Window | null>(null);
  const [moving, setMoving] = useState<Window | null>(null);
  const [planning, setPlanning] = useState(false);
  const admin = session.value?.admin === true;

  const remove = async ({ id }: Window): Promise<void> => {
    try {
      await removeWindow(id);
      notify(tn('maintenance.removed'));
    } catch (error) {
      notify((error as Error).message, true);
    }
    await live.refresh();
  };
  const begun = removing?.state === 'active';
  return (
    <div class="one windows">
      <h2>{tn('maintenance.title')}</h2>
      <Loaded live={live}>
        {(list) => (list.length === 0 ? <p class="dim">{tn('maintenance.none')}</p> : <List list={list} onMove={setMoving} onRemove={admin ? setRemoving : null} />)}
      </Loaded>
      {moving && (
        <MaintenanceMove
          key={moving.id}
          window={moving}
          onClose={() => {
            setMoving(null);
            void live.refresh();
          }}
        />
      )}
      {admin && !planning && (
        <button type="button" onClick={() => setPlanning(true)}>
          {tn('maintenance.add')}
        </button>
      )}
      {planning && (
        <MaintenanceForm
          known={nodes}
          onClose={() => {
            setPlanning(false);
            void live.refresh();
          }}
        />
      )}
      {removing && (
        <Confirm
          title={tn(begun ? 'maintenance.endNow.title' : 'maintenance.cancel.title')}
          yes={tn(begun ? 'maintenance.endNow' : 'maintenance.cancel')}
          mild
          onClose={(yes) => {
            setRemoving(null);
            if (yes) void remove(removing);
          }}
        >
          <p>{tn(begun ? 'maintenance.endNow.what' : 'maintenance.cancel.what', { nodes: removing.all ? tn('maintenance.all') : removing.nodes.join(', ') })}</p>
        </Confirm>
      )}
    </div>
  );
}

interface ListProps {
  list: readonly Window[];
  onMove: (window: Window) => void;
  /** null: not for who looks. */
  onRemove: ((window: Window) => void) | null;
}

function List({ list, onMove, onRemove }: ListProps) {
  const state = (word: string): string => (word === 'planned' || word === 'active' ? tn(`maintenance.${word}`) : word);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={tn('maintenance.title')}>
      <table class="list">
        <thead>
          <tr>
            <th scope="col">{tn('maintenance.which')}</th>
            <th scope="col">{tn('maintenance.state')}</th>
            <th scope="col">{tn('maintenance.start')}</th>
            <th scope="col">{tn('maintenance.end')}</th>
            <th scope="col">{tn('maintenance.onStart')}</th>
            <th scope="col">{tn('maintenance.reason')}</th>
            <th scope="col">{tn('maintenance.user')}</th>
            {onRemove && <td />}
          </tr>
        </thead>
        <tbody>
          {list.map((one) => {
            const word = tn(one.state === 'active' ? 'maintenance.endNow' : 'maintenance.cancel');
            const nodes = one.all ? tn('maintenance.all') : one.nodes.join(', ');
            return (
              <tr key={one.id} data-window={one.id}>
                <th scope="row">
                  {one.all
                    ? nodes
                    : one.nodes.map((node, at) => (
                        <span key={node}>
                          {at > 0 && ', '}
                          <a href={nodeHref(node)}>{node}</a>
                        </span>
                      ))}
                </th>
                <td>{state(one.state)}</td>
                <td>{absolute(one.start, language.value)}</td>
                <td>{absolute(one.end, language.value)}</td>
                <td>{tn(`maintenance.${one.onStart}`)}</td>
                <td class="text">{one.reason}</td>
                <td>{one.username}</td>
                {onRemove && (
                  <td class="act">
                    <button type="button" aria-label={tn('maintenance.move.which', { nodes })} onClick={() => onMove(one)}>
                      {tn('maintenance.move')}
                    </button>{' '}
                    <button type="button" aria-label={`${word}: ${nodes}`} onClick={() => onRemove(one)}>
                      {word}
                    </button>
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
