// SPDX-License-Identifier: MIT
// Why a job waits, or would wait: the server's sentence, the numbers, who is in the way, and what would help.
import type { WaitAnswer } from '../api.ts';
import { jobHref, nodeHref } from '../router.ts';
import { duration } from '../format.ts';
import { type Key, t } from '../words.ts';

type Help = NonNullable<WaitAnswer['help']>[number];

function helpWords({ kind, amount = 0, name = '' }: Help): string {
  const shown = kind === 'retry' ? duration(amount * 1000) : amount;
  return t(`why.help.${kind}` as Key, { amount: shown, name }) || `${kind} ${name}`;
}

export function WhyWaits({ answer }: { answer: WaitAnswer }) {
  const { gpus, blockedBy = [], blockers = 0, help = [] } = answer;
  const more = blockers - blockedBy.length;
  return (
    <>
      <p>{answer.message}</p>
      {gpus && gpus.asked > 0 && (
        <dl class="numbers">
          {(
            [
              ['why.asked', gpus.asked],
              ['why.idle', gpus.idle],
              ['why.vc', t('why.vc.of', { held: gpus.held, guaranteed: gpus.guaranteed, borrowed: gpus.borrowed, borrow: gpus.borrow })],
              ...(gpus.userCap > 0 ? ([['why.user', t('use', { used: gpus.userHeld, total: gpus.userCap })]] as const) : []),
            ] as const
          ).map(([word, value]) => (
            <div key={word}>
              <dt>{t(word)}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      {blockedBy.length > 0 && (
        <>
          <p class="subhead">{t('why.blockers')}</p>
          <ul>
            {blockedBy.map((job) => {
              const name = job.split(' ')[0] as string;
              return (
                <li key={job}>
                  <a href={jobHref(name)}>{name}</a>
                  {job.slice(name.length)}
                </li>
              );
            })}
            {more > 0 && <li class="dim">{t('stop.more', { count: more })}</li>}
          </ul>
        </>
      )}
      {help.length > 0 && (
        <>
          <p class="subhead">{answer.helpTogether ? t('why.help.all') : t('why.help.any')}</p>
          <ul>
            {help.map((one) => (
              <li key={`${one.kind} ${one.name ?? ''}`}>
                {one.kind === 'nodeReturns' ? <a href={nodeHref(one.name ?? '')}>{helpWords(one)}</a> : helpWords(one)}
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
