# SPDX-License-Identifier: MIT
"""Debian's aiosmtpd, on a port of its own, for tests of mail."""
import asyncio
import email
import email.policy
import sys
import threading

try:
    import aiosmtpd.smtp
except ImportError:  # another Python than Debian's, which has python3-aiosmtpd
    sys.path.append("/usr/lib/python3/dist-packages")
    import aiosmtpd.smtp


class MailServer:
    """A real SMTP server that keeps what it is given; `refuse` names addresses that it will not take."""

    def __init__(self, refuse=(), port=0):
        self.mails, self.refuse, self.loop = [], refuse, asyncio.new_event_loop()
        ready = threading.Event()

        def run():
            asyncio.set_event_loop(self.loop)
            server = self.loop.run_until_complete(self.loop.create_server(
                lambda: aiosmtpd.smtp.SMTP(self, hostname="localhost", loop=self.loop), "127.0.0.1", port))
            self.port = server.sockets[0].getsockname()[1]
            ready.set()
            self.loop.run_forever()
            server.close()
            self.loop.run_until_complete(server.wait_closed())
            self.loop.close()
        self.thread = threading.Thread(target=run, daemon=True)
        self.thread.start()
        ready.wait(10)

    async def handle_RCPT(self, server, session, envelope, address, options):  # pylint: disable=invalid-name
        if address in self.refuse:
            return "550 no such box"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # pylint: disable=invalid-name
        self.mails.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"

    def stop(self):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
