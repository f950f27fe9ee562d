// SPDX-License-Identifier: MIT
// Silences: which alerts nobody is told of, until when, by whom and why; for admins.
import { useState } from 'preact/hooks';
import { ta } from '../admin-words.ts';
import { type AlertFilter, matchersParam, matcherText, parseMatchers } from '../alerts.ts';
import { endSilence, type FullAlert, listSilences, type Silence } from '../api-alerts.ts';
import { go, pageHref, route } from '../router.ts';
import { notify } from '../store.ts';
import { GLYPHS } from '../words.ts';
import { Confirm } from './confirm.tsx';
import { Chip } from './filter.tsx';
import { Loaded } from './loaded.tsx';
import { SilenceForm } from './silence-form.tsx';
import { Ago, Coming } from './time.tsx';
import { useLive } from './use-live.ts';

const LOOKS = { active: 'running', pending: 'waiting', expired: 'stopped' } as const;

interface Props {
  filter: AlertFilter;
  /** Those that are there now; null: not known yet. */
  alerts: readonly FullAlert[] | null;
  onChange: () => void;
}

export function Silences({ filter, alerts, onChange }: Props) {
  const query = route.value.query;
  const match = query.get('match') ?? '';
  const live = useLive(listSilences, '', (change) => change.kind === 'reset');
  const here = (expired = filter.expired): string => pageHref('alerts', { show: 'silences', expired: expired ? 'yes' : null });
  const done = (): void => {
    void live.refresh();
    onChange();
  };
  return (
    <>
      <div class="filters">
        <span class="chips">
          <Chip href={here(false)} on={!filter.expired}>
            {ta('alerts.silences.live')}
          </Chip>
          <Chip href={here(true)} on={filter.expired}>
            {ta('alerts.silences.all')}
          </Chip>
        </span>
        <a class="button" href={pageHref('alerts', { show: 'silences', expired: filter.expired ? 'yes' : null, new: 'yes' })}>
          {ta('alerts.silence.new')}
        </a>
      </div>
      {(query.has('new') || match !== '') && (
        <SilenceForm
          key={match}
          first={parseMatchers(match)}
          alerts={alerts}
          close={here()}
          onDone={() => {
            done();
            go(here());
          }}
        />
      )}
      <Loaded live={live}>
        {(all) => {
          const shown = all.filter(({ status }) => filter.expired || status.state !== 'expired');
          if (shown.length === 0) return <p class="empty">{ta('alerts.silences.none')}</p>;
          return <List silences={shown} alerts={alerts ?? []} onEnd={done} />;
        }}
      </Loaded>
    </>
  );
}

function List({ silences, alerts, onEnd }: { silences: readonly Silence[]; alerts: readonly FullAlert[]; onEnd: () => void }) {
  const [asking, setAsking] = useState<Silence | null>(null);
  const end = async (silence: Silence): Promise<void> => {
    try {
      await endSilence(silence.id);
      notify(ta('alerts.silence.ended'));
      onEnd();
    } catch (error) {
      notify((error as Error).message, true);
    }
  };
  return (
    <>
      <div class="scroll" tabIndex={0} role="region" aria-label={ta('alerts.show.silences')}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{ta('alerts.matchers')}</th>
              <th scope="col">{ta('alerts.state')}</th>
              <th scope="col" class="number">
                {ta('alerts.silenced.count')}
              </th>
              <th scope="col">{ta('alerts.until')}</th>
              <th scope="col">{ta('alerts.by')}</th>
              <th scope="col">{ta('alerts.comment')}</th>
              <th scope="col" class="act">
                {ta('alerts.act')}
              </th>
            </tr>
          </thead>
          <tbody>
            {silences.map((silence) => {
              const { id, status, matchers, startsAt, endsAt, createdBy, comment } = silence;
              const at = Date.parse(status.state === 'pending' ? startsAt : endsAt);
              return (
                <tr key={id} data-silence={id}>
                  <th scope="row" class="matchers">
                    {matchers.map((one) => (
                      <code key={matcherText(one)}>{matcherText(one)}</code>
                    ))}
                  </th>
                  <td class={`state-${LOOKS[status.state]}`}>
                    <span class="glyph" aria-hidden="true">
                      {GLYPHS[LOOKS[status.state]]}
                    </span>{' '}
                    {ta(`alerts.silence.${status.state}`)}
                  </td>
                  <td class="number">{alerts.filter(({ silencedBy }) => silencedBy === id).length}</td>
                  <td>
                    {status.state === 'pending' && `${ta('alerts.from')} `}
                    {status.state === 'expired' ? <Ago at={at} /> : <Coming at={at} />}
                  </td>
                  <td>{createdBy}</td>
                  <td class="text">{comment}</td>
                  <td class="act">
                    {status.state === 'expired' ? (
                      <a href={pageHref('alerts', { show: 'silences', match: matchersParam(matchers) })}>{ta('alerts.silence.again')}</a>
                    ) : (
                      <button type="button" aria-label={ta('alerts.silence.end.which', { matchers: matchers.map(matcherText).join(', ') })} onClick={() => setAsking(silence)}>
                        {ta('alerts.silence.end')}
                      </button>
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {asking && (
        <Confirm
          title={ta('alerts.silence.end.title')}
          yes={ta('alerts.silence.end')}
          mild
          onClose={(yes) => {
            setAsking(null);
            if (yes) void end(asking);
          }}
        >
          <p>{asking.matchers.map(matcherText).join(', ')}</p>
          <p>{ta('alerts.silence.end.what')}</p>
        </Confirm>
      )}
    </>
  );
}
