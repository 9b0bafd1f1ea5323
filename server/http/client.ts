/** Where a request comes from, as far as it can be believed. */
import { isIP } from 'node:net';
import type { FastifyRequest } from 'fastify';

const forwardingHeaders = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'];

/** Whether a program on this machine asks, and asks by itself: what a proxy passes on comes from anywhere. */
export function isLocalClient(request: FastifyRequest): boolean {
  return isLoopback(request.socket.remoteAddress) && !forwardingHeaders.some((name) => name in request.headers);
}

/**
 * The client's IP address. A proxy on this machine is believed about it, in the last entry of X-Forwarded-For, which
 * is the one that it adds itself; from elsewhere the header could say anything.
 */
export function addressOf(request: FastifyRequest): string {
  const { remoteAddress = '' } = request.socket;
  if (!isLoopback(remoteAddress)) return remoteAddress;
  const forwarded = String(request.headers['x-forwarded-for'] ?? '')
    .split(',')
    .at(-1)!
    .trim();
  return isIP(forwarded) ? forwarded : remoteAddress;
}

/** Whether an address to listen on is reached from this machine only. */
export function isLoopback(address: string | undefined): boolean {
  return address === 'localhost' || address === '::1' || /^(::ffff:)?127\./.test(address ?? '');
}
