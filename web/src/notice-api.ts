// SPDX-License-Identifier: MIT
// What notifications and webhooks ask of the server; loaded with them.
import { json, send } from './api.ts';
import { bodyOf, type Delivery, type Rules, type Webhook } from './notices.ts';

/** Whose webhooks: one's own, or the site's, which are admins'. */
export type Whose = 'own' | 'site';

const ME = 'users/me/';
const root = (whose: Whose): string => `${whose === 'own' ? ME : ''}webhooks`;
const path = (whose: Whose, name: string): string => `${root(whose)}/${encodeURIComponent(name)}`;

export const getRules = (): Promise<Rules> => json(`${ME}notifications`);

export const putRules = async (rules: Rules): Promise<void> => void (await send(`${ME}notifications`, { method: 'PUT', body: rules }));

export const testMail = async (): Promise<void> => void (await send(`${ME}notifications/test`, { method: 'POST' }));

export const listWebhooks = (whose: Whose): Promise<Webhook[]> => json(root(whose));

/** The secret of a new one, or a new one's, which is told this once; null: it has the one that it had. */
export const putWebhook = async (whose: Whose, webhook: Webhook, newSecret = false): Promise<string | null> =>
  (await json<{ secret: string | null }>(path(whose, webhook.name), { method: 'PUT', body: { ...bodyOf(webhook), newSecret } })).secret;

export const removeWebhook = async (whose: Whose, name: string): Promise<void> => void (await send(path(whose, name), { method: 'DELETE' }));

export const testWebhook = async (whose: Whose, name: string): Promise<void> =>
  void (await send(`${path(whose, name)}/test`, { method: 'POST' }));

export const listDeliveries = (whose: Whose, name: string): Promise<Delivery[]> => json(`${path(whose, name)}/deliveries`);
