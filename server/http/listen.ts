/** Taking a port, saying clearly why that failed, and giving it back. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** Asked before anything else is touched, so that a second start names the port and not what the first one holds. */
export async function requireFreePort(port: number, host: string): Promise<void> {
  const probe = createServer();
  try {
    probe.listen(port, host);
    await once(probe, 'listening');
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, port, host);
  }
  probe.close();
  await once(probe, 'close');
}

export async function listen(app: FastifyInstance, port: number, host: string): Promise<void> {
  try {
    await app.listen({ port, host });
  } catch (cause) {
    throw listenError(cause as NodeJS.ErrnoException, port, host);
  }
}

function listenError(cause: NodeJS.ErrnoException, port: number, host: string): Error {
  const { code } = cause;
  if (code === 'EADDRINUSE') {
    return new Error(
      `Port ${port} on ${host} is in use. Stop what listens there, or choose another with --port or PORT.`,
      { cause },
    );
  }
  if (code === 'EACCES') {
    return new Error(`Port ${port} needs more rights than this process has. Choose one from 1024 up.`, { cause });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new Error(`${host} is not an address of this machine. Use 127.0.0.1, or 0.0.0.0 for all.`, { cause });
  }
  return cause;
}

/** Streams have ended by now; a reader that does not take their last bytes is not waited for. */
export async function closeListener(app: FastifyInstance): Promise<void> {
  const impatience = setTimeout(() => app.server.closeAllConnections(), 1_000);
  await app.close();
  clearTimeout(impatience);
}

export function urlOf(app: FastifyInstance, host: string): string {
  const { port } = app.server.address() as AddressInfo;
  const name = host === '127.0.0.1' || host === '0.0.0.0' || host === '::' ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
