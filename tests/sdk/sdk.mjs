// SPDX-License-Identifier: MIT
// OpenPAI's own client library against a running server: node sdk.mjs URL USER PASSWORD JOB
// Prints one JSON object of what it saw; tests/system/test_sdk.py judges it.
import sdk from '@microsoft/openpai-js-sdk';

const [url, username, password, name] = process.argv.slice(2);
const cluster = { pai_uri: url, username, password, https: false };
const client = new sdk.PAIV2.OpenPAIClient(cluster);
const seen = {};

const config = {
  protocolVersion: 2,
  name,
  type: 'job',
  prerequisites: [{ type: 'dockerimage', name: 'image', uri: 'none' }],
  taskRoles: {
    main: {
      instances: 1,
      dockerImage: 'image',
      resourcePerInstance: { cpu: 1, memoryMB: 64, gpu: 0 },
      commands: ['sleep 300'],
    },
  },
};

/** Asks until the answer is as wanted; the test's own time limit ends it. */
async function until(ask, good) {
  for (;;) {
    const answer = await ask();
    if (good(answer)) return answer;
    await new Promise((done) => setTimeout(done, 50));
  }
}

const state = () => client.job.getJob(username, name).then((job) => job.jobStatus.state);

seen.info = await client.api.getClusterInfo();
seen.login = await client.authn.basicLogin(username, password);
seen.virtualClusters = await client.virtualCluster.listVirtualClusters();
seen.virtualCluster = await client.virtualCluster.getVirtualCluster('default');
seen.storages = await client.storage.getStorages();
seen.users = await client.user.getAllUser();
seen.user = await client.user.getUser(username);
seen.submitted = await client.job.createJob(config);
await until(state, (s) => s === 'RUNNING');
seen.list = await client.job.listJobs({ keyword: name, withTotalCount: true });
seen.job = await client.job.getJob(username, name);
seen.attempt = await client.job.getJob(username, name, 0);
seen.config = await client.job.getJobConfig(username, name);
seen.events = await client.job.listEvents(username, name);
seen.task = await client.job.getTask(username, name, 0, 'main', 0);
seen.logs = await client.job.getTaskLogs(username, name, 0, 'main', 0, 0, true);
seen.tagged = await client.job.addTag(username, name, 'sdk');
seen.untagged = await client.job.deleteTag(username, name, 'sdk');
seen.stopped = await client.job.updateJobExecutionType(username, name, 'STOP');
seen.end = await until(state, (s) => s === 'STOPPED');
seen.tokens = await client.token.getTokens();
seen.refused = await client.job.getJob(username, 'no-such-job').catch((e) => e.data ?? { message: String(e) });
console.log(JSON.stringify(seen));
