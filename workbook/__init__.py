"""The tool behind `python3 -m workbook`."""

# The built-in half of `signal`: to import the other takes as long as all that follows.
import _signal as signal
import sys

# Until the command line is read, Ctrl-C ends this process without a traceback; then
# main() answers it. While Python looks for the module to run, sys.argv[0] is "-m": an
# import by any other program changes nothing.
if sys.argv[:1] == ["-m"]:
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    if hasattr(signal, "pthread_sigmask"):  # bootstrap.restart() has blocked it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
