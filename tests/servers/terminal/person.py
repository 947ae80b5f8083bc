"""Runs a command in a terminal of its own, and types as a person does.

    person.py DIALOG COMMAND ARGUMENT…

DIALOG is a JSON list of [what is read, what is typed then] or [what is read, what is typed then, "hidden"]: a hidden
answer is typed when the terminal has stopped to echo. All that the terminal shows goes to standard output. The command's
exit code is this program's.
"""

import json
import os
import pty
import select
import sys
import termios
import time

PATIENCE_S = 30


def echoes(terminal):
    return termios.tcgetattr(terminal)[3] & termios.ECHO


def main():
    dialog, command = json.loads(sys.argv[1]), sys.argv[2:]
    child, terminal = pty.fork()
    if child == 0:
        os.execvp(command[0], command)
    shown, read, end = b"", 0, time.monotonic() + PATIENCE_S
    while True:
        if dialog:
            wanted, answer, *how = dialog[0]
            at = shown.find(wanted.encode(), read)
            if at >= 0 and not (how and echoes(terminal)):
                read = at + len(wanted.encode())
                os.write(terminal, answer.encode() + b"\n")
                dialog.pop(0)
                continue
        # Nobody tells when a terminal stops to echo: that is looked for again and again.
        ready, _, _ = select.select([terminal], [], [], 0.01)
        if ready:
            try:
                more = os.read(terminal, 65536)
            except OSError:
                more = b""
            if not more:
                break
            shown += more
        if time.monotonic() > end:
            os.kill(child, 9)
            shown += b"\n--- nothing more came"
            break
    sys.stdout.buffer.write(shown)
    sys.stdout.flush()
    if dialog:
        sys.stderr.write("never read: %r\n" % dialog[0][0])
    _, status = os.waitpid(child, 0)
    sys.exit(os.waitstatus_to_exitcode(status) % 256 if not dialog else 99)


main()
