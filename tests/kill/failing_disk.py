#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A store on a disk that fails under a real file system: nbdkit with its error filter, nbdfuse, a
loop device, ext4. While a program writes the disk begins to refuse writes; then it is mended, the
file system is mounted again, and everything acknowledged must be there.

failing_disk.py SCENARIO-PROGRAM STACK...

Needs root, nbdkit, nbdfuse and loop devices; says SKIPPED and exits with 77 where one is missing.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time


def skip(why):
    print(f"!! SKIPPED: tests/kill/failing_disk.py: {why}")
    sys.exit(77)


def run(*command, check=True):
    return subprocess.run(command, capture_output=True, text=True, check=check, timeout=120)


def wait_for(path):
    for _ in range(200):
        if path.exists() and path.stat().st_size > 0:
            return
        time.sleep(0.05)
    skip(f"nbdfuse shows no disk at {path}")


class Disk:
    """A file system on a disk in memory that refuses writes while `fail` is there."""

    def __init__(self, folder, stack):
        self.fail, self.image, self.mount = folder / "fail", folder / "disk", folder / "mount"
        self.mount.mkdir()
        self.image.touch()
        self.server = subprocess.Popen(
            ["nbdfuse", str(self.image), "--command", "nbdkit", "-s", "--filter=error", "memory",
             "256M", "error=EIO", "error-pwrite-rate=100%", f"error-file={self.fail}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        stack.callback(self.end)
        wait_for(self.image)
        self.loop = run("losetup", "--find", "--show", str(self.image)).stdout.strip()
        stack.callback(lambda: run("losetup", "-d", self.loop, check=False))
        run("mkfs.ext4", "-q", self.loop)
        run("mount", "-o", "errors=continue", self.loop, str(self.mount))
        stack.callback(lambda: run("umount", str(self.mount), check=False))

    def end(self):
        run("umount", "-l", str(self.image), check=False)
        self.server.terminate()
        self.server.wait(timeout=20)

    def mend(self):
        self.fail.unlink()
        run("umount", str(self.mount))
        run("e2fsck", "-fy", self.loop, check=False)
        run("mount", self.loop, str(self.mount))


def acknowledged(output):
    said = output.split()
    return [int(number) for word, number in zip(said, said[1:]) if word == "ack"]


def try_stack(program, stack_name):
    """What was seen, and whether it is right."""
    with tempfile.TemporaryDirectory(prefix="varve-failing-disk-") as name, \
            contextlib.ExitStack() as stack:
        disk = Disk(pathlib.Path(name), stack)
        store = str(disk.mount / "store")
        writer = subprocess.Popen([program, stack_name, "write", store], stdout=subprocess.PIPE,
                                  text=True)
        first = writer.stdout.readline()
        time.sleep(1)
        disk.fail.touch()
        try:
            rest, _ = writer.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            writer.kill()
            return f"{stack_name}: it hangs on a failing disk", False
        said = first + rest
        acked = acknowledged(said)
        # A RocksDB that was built with assertions stops the process where a write failed.
        stopped = writer.returncode == -signal.SIGABRT
        if "error" not in said and not stopped:
            return f"{stack_name}: the disk failed and nobody was told", False
        after = said[said.index("error"):] if "error" in said else "the end of the process"
        if acknowledged(after):
            return f"{stack_name}: batches were acknowledged after a failure: {after}", False
        disk.mend()
        judged = run(program, stack_name, "judge", store, check=False)
        if judged.returncode != 0:
            return f"{stack_name}: it is wrong afterwards: {judged.stdout}{judged.stderr}", False
        found = int(judged.stdout.split()[1])
        last = max(acked, default=0)
        words = f"{stack_name}: {last} batches acknowledged before the disk failed, {found} " \
                f"there when it was mended; it said '{after.split(chr(10))[0]}'"
        return words, found >= last


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    if os.geteuid() != 0:
        skip("only root can mount")
    for tool in ("nbdkit", "nbdfuse", "losetup", "mkfs.ext4", "e2fsck"):
        if shutil.which(tool) is None:
            skip(f"{tool} is not installed")
    if not os.path.exists("/dev/fuse") or not os.path.exists("/dev/loop-control"):
        skip("there are no loop devices, or no FUSE")
    good = True
    for stack_name in sys.argv[2:]:
        try:
            words, right = try_stack(sys.argv[1], stack_name)
        except subprocess.CalledProcessError as error:
            skip(f"{' '.join(error.cmd)}: {error.stderr.strip()}")
        print(f"figures: a failing disk under ext4: {words}", flush=True)
        good = good and right
    sys.exit(0 if good else 1)


if __name__ == "__main__":
    main()
