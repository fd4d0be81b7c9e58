#!/usr/bin/python3
"""A line between this network namespace and another, with delay and loss, as `tc netem` makes it, but in user space: not every
kernel has netem. Each end is a TUN device; this process carries the packets.

    link.py PID --delay 25 --loss 1       PID lives in the other namespace; milliseconds and per cent, each way
"""

import argparse
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import time

HERE, THERE = "10.77.0.1", "10.77.0.2"
# As netem: more packets than that on the way are dropped.
QUEUE = 1000
CLONE_NEWNET = 0x40000000
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


def enter(namespace):
    if ctypes.CDLL(None, use_errno=True).setns(namespace, CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def open_end(own, other):
    """A TUN device in the namespace that this process is in now."""
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", b"weir0", IFF_TUN | IFF_NO_PI))
    for command in (["addr", "add", own, "peer", other, "dev", "weir0"], ["link", "set", "weir0", "up"], ["link", "set", "lo", "up"]):
        subprocess.run(["ip", *command], check=True)
    return device


def carry(ends, delay, loss, chance):
    waiting, number = {end: 0 for end in ends}, 0
    due = []
    poll = select.poll()
    for end in ends:
        poll.register(end, select.POLLIN)
    while True:
        poll.poll(max(0, (due[0][0] - time.monotonic()) * 1000) if due else None)
        for end, other in (ends, ends[::-1]):
            # A few at a time, so that what is due goes out in time.
            for _ in range(64):
                try:
                    packet = os.read(end, 65536)
                except BlockingIOError:
                    break
                if chance.random() >= loss and waiting[other] < QUEUE:
                    number += 1
                    waiting[other] += 1
                    heapq.heappush(due, (time.monotonic() + delay, number, other, packet))
        while due and due[0][0] <= time.monotonic():
            _, _, end, packet = heapq.heappop(due)
            waiting[end] -= 1
            try:
                os.write(end, packet)
            except OSError:
                # A full device drops, as any line does.
                pass


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("process", type=int)
    parser.add_argument("--delay", type=float, default=25)
    parser.add_argument("--loss", type=float, default=1)
    options = parser.parse_args()
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    here = open_end(HERE, THERE)
    enter(os.open(f"/proc/{options.process}/ns/net", os.O_RDONLY))
    there = open_end(THERE, HERE)
    enter(home)
    print("UP", flush=True)
    carry((here, there), options.delay / 1000, options.loss / 100, random.Random(1))


if __name__ == "__main__":
    main()
