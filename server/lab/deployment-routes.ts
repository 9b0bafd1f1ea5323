/** Who answers: promoting a model, giving another a share of the conversations, and going back. */
import { type Deployment, type DeploymentRequest, deploymentRequestSchema } from '@parley/contracts';
import type { FastifyInstance } from 'fastify';
import { access, userOf } from '../accounts/access.ts';
import { recordAudit } from '../accounts/audit.ts';
import { storableText } from '../db/text.ts';
import { HttpError, parse } from '../http/errors.ts';
import { currentDeployment, deploy, listDeployments } from './deployments.ts';
import { figuresOf } from './figures.ts';
import type { Lab } from './lab.ts';

const administrators = access('administrator');

export function addDeploymentRoutes(app: FastifyInstance, lab: Lab): void {
  const { db, pool, registry } = lab;

  app.get('/api/lab/deployments', administrators, async () => ({ deployments: await listDeployments(db) }));

  app.post('/api/lab/deployments', administrators, async (request, reply): Promise<Deployment> => {
    const wanted = parse(deploymentRequestSchema, request.body);
    const next = await planOf(wanted);
    const concerned = [...new Set([next.model, next.challenger, pool.deployed?.id])].filter((id) => id != null);
    // Loaded before anybody is sent to it: what cannot be loaded is not deployed.
    for (const id of concerned) await pool.model(id);
    const figures = Object.fromEntries(
      await Promise.all(concerned.map(async (id) => [id, await figuresOf(lab, await registry.get(id))] as const)),
    );
    const reason = storableText(wanted.reason);
    const deployment = await deploy(db, { ...next, kind: wanted.kind, reason, figures, user: userOf(request).id });
    pool.serve(deployment);
    const { model, challenger, challengerPercent } = deployment;
    const detail = { ...(challenger !== null && { challenger, challengerPercent }), reason };
    await recordAudit(db, request, { action: actions[wanted.kind], subject: model, detail });
    return reply.code(201).send(deployment);
  });

  /** Who would answer. @throws HttpError 404 for a model that cannot, 409 where nothing would change */
  async function planOf(wanted: DeploymentRequest) {
    const current = await currentDeployment(db);
    if (!current) throw new HttpError(503, 'model_loading', 'The first model is still being loaded.');
    const alone = { challenger: null, challengerPercent: 0 };
    if (wanted.kind === 'promote') {
      const { id } = await registry.getChat(wanted.model);
      if (id === current.model && current.challenger === null) {
        throw new HttpError(409, 'deployed_already', `'${id}' is deployed already.`, { param: 'model' });
      }
      return { model: id, ...alone };
    }
    if (wanted.kind === 'share') {
      const { id } = await registry.getChat(wanted.challenger);
      if (id === current.model) {
        throw new HttpError(409, 'deployed_already', `'${id}' is deployed: give a share to another model.`, {
          param: 'challenger',
        });
      }
      const { challengerPercent } = wanted;
      return { model: current.model, ...(challengerPercent === 0 ? alone : { challenger: id, challengerPercent }) };
    }
    const before = (await listDeployments(db)).find(({ model }) => model !== current.model);
    if (!before) throw new HttpError(409, 'nothing_before', `No other model than '${current.model}' was deployed.`);
    return { model: (await registry.getChat(before.model)).id, ...alone };
  }
}

const actions = { promote: 'model.promoted', share: 'model.shared', rollback: 'model.rolled-back' } as const;
