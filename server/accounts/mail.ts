/** Mail by SMTP, where the server was told of one. */
import { createTransport } from 'nodemailer';

export interface MailOptions {
  /** `smtp://user:password@host:587`, or `smtps://` for TLS from the first byte. */
  url: string;
  /** The sender: `Parley <parley@example.org>`. */
  from: string;
}

export type SendMail = (message: { to: string; subject: string; text: string }) => Promise<void>;

export function mailer({ url, from }: MailOptions): SendMail {
  const transport = createTransport(url);
  return async (message) => {
    await transport.sendMail({ from, ...message });
  };
}

/** In both languages: the server does not know which one its reader prefers. */
export function passwordMail(to: string, link: string): { to: string; subject: string; text: string } {
  return {
    to,
    subject: 'Parley: choose a new password / 设置新密码',
    text: [
      'Somebody, probably you, asked for a new password. Choose it here within three days:',
      link,
      'If it was not you, do nothing: your password stays as it is.',
      '',
      '有人（大概是您）申请了新密码。请在三天内打开上面的链接设置。如果不是您本人，请忽略此邮件，密码不会改变。',
    ].join('\n'),
  };
}

/** After the hash sign, so that no server on the way and no log sees the secret. */
export function passwordUrl(base: string, secret: string): string {
  return `${base.replace(/\/$/, '')}/new-password#${secret}`;
}
