// SPDX-License-Identifier: MIT
// What was sent to a webhook and what waits to be: asked for again while something waits.
import { useEffect } from 'preact/hooks';
import { listDeliveries, type Whose } from '../notice-api.ts';
import { tn } from '../notice-words.ts';
import { Loaded } from './loaded.tsx';
import { Ago, Coming } from './time.tsx';
import { useLive } from './use-live.ts';
import { usePoll } from './use-poll.ts';

const AGAIN_MS = 3000;

export function WebhookLog({ whose, name, round }: { whose: Whose; name: string; round: number }) {
  const live = useLive(() => listDeliveries(whose, name), '', () => false);
  useEffect(() => void live.refresh(), [round]);
  usePoll(async () => {
    if (live.data.value?.some((one) => one.endedTime === null)) await live.refresh();
  }, AGAIN_MS);
  return (
    <div class="deliveries">
      <h3>{tn('webhooks.log.of', { name })}</h3>
      <Loaded live={live}>
        {(list) =>
          list.length === 0 ? (
            <p class="dim">{tn('webhooks.log.none')}</p>
          ) : (
            <div class="scroll" tabIndex={0} role="region" aria-label={tn('webhooks.log.of', { name })}>
              <table class="list">
                <thead>
                  <tr>
                    <th scope="col">{tn('delivery.kind')}</th>
                    <th scope="col">{tn('delivery.time')}</th>
                    <th scope="col">{tn('webhooks.state')}</th>
                    <th scope="col">{tn('delivery.tries')}</th>
                    <th scope="col">{tn('delivery.answer')}</th>
                  </tr>
                </thead>
                <tbody>
                  {list.map((one) => (
                    <tr key={one.id} data-delivery={one.id}>
                      <th scope="row">{tn(`kind.${one.kind}`)}</th>
                      <td>
                        <Ago at={one.time} />
                      </td>
                      <td>
                        {one.state === 'waiting' || one.state === 'sent' || one.state === 'failed' ? tn(`delivery.${one.state}`) : one.state}
                        {one.nextTryTime !== null && (
                          <>
                            {' '}
                            · <Coming at={one.nextTryTime} />
                          </>
                        )}
                      </td>
                      <td class="number">{one.tries}</td>
                      <td>
                        {one.status || ''} {one.problem}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </div>
  );
}
