// SPDX-License-Identifier: MIT
// One node: each of its GPUs with its health, who holds it and its last figures, and the tasks that are placed there.
import { useEffect } from 'preact/hooks';
import {
  type Device,
  getNode,
  listDevices,
  listNodeEvents,
  listPlaced,
  type Node as NodeInfo,
  type NodeEvent,
  type PlacedTask,
} from '../api.ts';
import { DeviceFigures } from '../components/device.tsx';
import { Fact } from '../components/job-overview.tsx';
import { Simulated } from '../components/labels.tsx';
import { Loaded } from '../components/loaded.tsx';
import { Meter } from '../components/meter.tsx';
import { DeviceLook, NodeLook } from '../components/node-state.tsx';
import { State } from '../components/state.tsx';
import { Ago } from '../components/time.tsx';
import { useLive } from '../components/use-live.ts';
import { useQuietPoll } from '../components/use-poll.ts';
import { absolute, bytes, fullName } from '../format.ts';
import { jobHref } from '../router.ts';
import { site } from '../store.ts';
import { language, shownState, t } from '../words.ts';

const MIB = 1024 * 1024;
/** Figures come without an event. */
const AGAIN_MS = 5_000;

interface All {
  info: NodeInfo;
  devices: Device[];
  placed: PlacedTask[];
  events: NodeEvent[];
}

async function load(node: string): Promise<All> {
  const [info, devices, placed, events] = await Promise.all([
    getNode(node),
    listDevices(node),
    listPlaced(node),
    listNodeEvents(node),
  ]);
  return { info, devices, placed, events };
}

export function Node({ node }: { node: string }) {
  const live = useLive(() => load(node), node, () => true);
  useQuietPoll(() => live.refresh(), AGAIN_MS);
  useEffect(() => {
    document.title = `${node} · ${site.value.name}`;
  }, [node, site.value.name]);
  const simulated = live.data.value?.info.gpus.simulated ?? false;
  return (
    <div class="node">
      <div class="headline">
        <h1>{node}</h1>
        {live.data.value && <NodeLook node={live.data.value.info} />}
        {simulated && <Simulated />}
      </div>
      <Loaded live={live}>
        {({ info, devices, placed, events }) => (
          <>
            {info.cordonReason && <p class="problem">{info.cordonReason}</p>}
            <Facts info={info} />
            {devices.length > 0 && <Devices devices={devices} />}
            <Tasks placed={placed} />
            <Events events={events} />
          </>
        )}
      </Loaded>
    </div>
  );
}

function Facts({ info }: { info: NodeInfo }) {
  const labels = Object.entries(info.labels).map((pair) => pair.join('='));
  return (
    <dl class="facts" aria-label={t('job.facts')}>
      <Fact word={t('nodes.gpus')}>
        <Meter {...info.gpus} word={t('nodes.gpus')} />
      </Fact>
      <Fact word={t('nodes.cpus')}>
        <Meter {...info.cpus} word={t('nodes.cpus')} />
      </Fact>
      <Fact word={t('nodes.memory')}>
        <Meter {...info.memoryMB} word={t('nodes.memory')} show={(mb) => bytes(mb * MIB)} />
      </Fact>
      <Fact word={t('node.address')}>{info.address}</Fact>
      <Fact word={t('job.isolation')}>{info.isolation}</Fact>
      {info.maintenance && (
        <Fact word={t('node.maintenance.next')}>
          {info.maintenance.start !== null && absolute(info.maintenance.start, language.value)}
          {' – '}
          {absolute(info.maintenance.end, language.value)}
        </Fact>
      )}
      {labels.length > 0 && <Fact word={t('node.labels')}>{labels.join(', ')}</Fact>}
    </dl>
  );
}

function Devices({ devices }: { devices: readonly Device[] }) {
  return (
    <section class="role">
      <h2>{t('node.gpus')}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('node.gpus')}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{t('gpu.index')}</th>
              <th scope="col">{t('gpu.health')}</th>
              <th scope="col">{t('nodes.model')}</th>
              <th scope="col">{t('gpu.holder')}</th>
              <th scope="col">{t('gpu.figures')}</th>
            </tr>
          </thead>
          <tbody>
            {devices.map((device) => (
              <DeviceRow key={device.index} device={device} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function DeviceRow({ device }: { device: Device }) {
  const { index, model, health, task, sample } = device;
  const job = task && fullName(task.username, task.name);
  return (
    <tr data-gpu={index}>
      <th scope="row">{index}</th>
      <td>
        <DeviceLook device={device} />
        {health.reason && <span class="dim"> · {health.reason}</span>}
      </td>
      <td>{model}</td>
      <td>
        {job && (
          <>
            <a href={jobHref(job)}>{job}</a>{' '}
            <span class="dim">
              {task.taskRoleName}-{task.taskIndex}
            </span>
          </>
        )}
      </td>
      <td>
        <DeviceFigures sample={sample} />
      </td>
    </tr>
  );
}

function Tasks({ placed }: { placed: readonly PlacedTask[] }) {
  return (
    <section class="role">
      <h2>{t('node.tasks')}</h2>
      {placed.length === 0 ? (
        <p class="empty">{t('node.tasks.none')}</p>
      ) : (
        <div class="scroll" tabIndex={0} role="region" aria-label={t('node.tasks')}>
          <table class="list">
            <thead>
              <tr>
                <th scope="col">{t('reservations.job')}</th>
                <th scope="col">{t('task.index')}</th>
                <th scope="col">{t('column.state')}</th>
                <th scope="col">{t('column.vc')}</th>
                <th scope="col">{t('task.gpus')}</th>
                <th scope="col">{t('task.started')}</th>
              </tr>
            </thead>
            <tbody>
              {placed.map((task) => (
                <PlacedRow key={`${task.username}~${task.name} ${task.taskRoleName} ${task.taskIndex}`} task={task} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function PlacedRow({ task }: { task: PlacedTask }) {
  const job = fullName(task.username, task.name);
  return (
    <tr data-job={job}>
      <th scope="row">
        <a href={jobHref(job)}>{job}</a>
      </th>
      <td>
        {task.taskRoleName}-{task.taskIndex}
      </td>
      <td>
        <State state={shownState({ state: task.taskState })} />
      </td>
      <td>{task.virtualCluster}</td>
      <td>{task.gpus.join(', ')}</td>
      <td>{task.launchedTime !== null && <Ago at={task.launchedTime} />}</td>
    </tr>
  );
}

/** What happened to it, newest first. */
function Events({ events }: { events: readonly NodeEvent[] }) {
  if (events.length === 0) return null;
  return (
    <section class="role">
      <h2>{t('node.events')}</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label={t('node.events')}>
        <table class="list">
          <thead>
            <tr>
              <th scope="col">{t('node.event.what')}</th>
              <th scope="col">{t('node.event.when')}</th>
              <th scope="col">{t('node.event.who')}</th>
              <th scope="col">{t('node.event.why')}</th>
            </tr>
          </thead>
          <tbody>
            {events.map(({ id, kind, time, username, reason }) => (
              <tr key={id} data-event={kind}>
                <th scope="row">{t(`node.event.${kind}`)}</th>
                <td>
                  <Ago at={time} />
                </td>
                <td>{username ?? t('node.event.server')}</td>
                <td>{reason}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
