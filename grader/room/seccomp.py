"""The filter over system calls that every room starts with.

Enters: the processor's name and how strict to be. Leaves: a program for the kernel's seccomp
machine, as bytes. Touches nothing: bwrap loads it into a room of full isolation, and
``inside/rights.py`` does so for the launcher of a reduced room and for programs of a fork server.

A filter sees the call's number, the processor mode and six arguments; it cannot follow pointers.
So it refuses calls that no notebook needs and that have led out of sandboxes before, and compares
only the low half of ``int`` arguments, since the kernel ignores the high half (a filter that
compares all 64 bits lets ``ioctl(fd, TIOCSTI | 1 << 32)`` through).
"""

from __future__ import annotations

import errno
import platform
import struct
from dataclasses import dataclass
from typing import TypeAlias

from grader.room.syscalls import AARCH64, NEWEST, X86_64
from grader.types import GraderError, Message

# struct seccomp_data: int nr; u32 arch; u64 instruction_pointer; u64 args[6]
_NR, _ARCH = 0, 4
_ALLOW = 0x7FFF0000
_KILL_PROCESS = 0x80000000
_ERRNO = 0x00050000
_X32_BIT = 0x40000000  # the x32 calling convention wears x86-64's processor mode

_LOAD = 0x20  # BPF_LD | BPF_W | BPF_ABS
_AND = 0x54  # BPF_ALU | BPF_AND | BPF_K
_IF_EQUAL = 0x15  # BPF_JMP | BPF_JEQ | BPF_K
_IF_AT_LEAST = 0x35  # BPF_JMP | BPF_JGE | BPF_K
_IF_ANY_BIT = 0x45  # BPF_JMP | BPF_JSET | BPF_K
_RETURN = 0x06

_AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}

# CLONE_NEWNS, CGROUP, UTS, IPC, USER, PID, NET
_NEW_NAMESPACE = 0x7E020000
_TIOCSTI, _TIOCLINUX = 0x5412, 0x541C
_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK = 1, 2, 10, 16
_SOCK_STREAM, _SOCK_TYPE = 1, 0xF
_NETLINK_ROUTE, _IPPROTO_TCP = 0, 6
_MSG_FASTOPEN = 0x20000000
_SOL_SOCKET = 1
_BUFFER_SIZES = (7, 8, 32, 33)  # SO_SNDBUF, SO_RCVBUF, and both with FORCE
# Its pages stay when every process has given them back, and belong to nobody: no mapping tells
# how many there are. What has a file is on a file system, where they are counted.
_MAP_SHARED, _MAP_SHARED_VALIDATE, _MAP_TYPE, _MAP_ANONYMOUS = 0x1, 0x3, 0xF, 0x20
_MAP_KIND = _MAP_TYPE | _MAP_ANONYMOUS
_SHARED_WITHOUT_FILE = (_MAP_SHARED | _MAP_ANONYMOUS, _MAP_SHARED_VALIDATE | _MAP_ANONYMOUS)
# Who opens a leased file waits until it is given back, 45 s by default; only the owner may lease,
# and without root a room's user is the owner of the packages that all rooms read.
_F_SETLEASE = 1024
# Of a process that is not dumpable nobody but root is told what it has open. Core scheduling keeps
# the other half of a core idle, where a neighbour may be.
_PR_SET_DUMPABLE, _PR_SCHED_CORE = 4, 62
_FILE_FLAGS = (0x40086602, 0x401C5820, 0x40806685, 0x800C6613)  # as an owner: verity, encryption
_EVERY_BIT = 0xFFFFFFFF
_QUERY_PERSONALITY = 0xFFFFFFFF

_REFUSED = {
    "keys and asynchronous calls that run outside this filter": (
        "add_key keyctl request_key io_uring_enter io_uring_register io_uring_setup"
    ),
    "other processes' memory": (
        "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace "
        "migrate_pages move_pages"
    ),
    "the kernel itself": (
        "acct bpf create_module delete_module fanotify_init finit_module get_kernel_syms "
        "init_module ioperm iopl kexec_file_load kexec_load lookup_dcookie modify_ldt "
        "nfsservctl perf_event_open query_module quotactl quotactl_fd reboot swapoff swapon "
        "syslog uselib userfaultfd ustat vhangup"
    ),
    "more cores than the room was given": "sched_setaffinity",
    "clocks and names of the machine": (
        "adjtimex clock_adjtime clock_settime setdomainname sethostname settimeofday"
    ),
    "mounts, namespaces, files by handle": (
        "chroot fsconfig fsmount fsopen fspick mount mount_setattr move_mount name_to_handle_at "
        "open_by_handle_at open_tree pivot_root setns umount2 unshare"
    ),
    "memory that no process and no sized file system is charged for": (
        "memfd_secret mq_open msgget semget shmget vmsplice"
    ),
}

# Landlock does not cover what a file's owner may do to it without opening it, and the packages may
# belong to the room's own user. Answered as done: copying a file must not fail for its rights.
_PRETENDED = "chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat"
# The same, by the argument that points at the times. Without times it is a "touch", whose callers
# make the file where it is refused, and would not where it seems to be done.
_TIMES = {"utime": 1, "utimes": 1, "futimesat": 2, "utimensat": 2}
# Ranks of processes: a user's own may be changed by each other, and without namespaces they are the
# teacher's. Zero is the caller. Answered as done: ZeroMQ sets those of its own threads, by number.
_RANKS = {
    "sched_setattr": (0,),
    "sched_setparam": (0,),
    "sched_setscheduler": (0,),
    "setpriority": (0, 1),  # of one process, not of a group or a user
    "ioprio_set": (1,),
}
_IOPRIO_WHO_PROCESS = 1
_ATTRIBUTES = "setxattr lsetxattr fsetxattr removexattr lremovexattr fremovexattr"


@dataclass(frozen=True)
class Instruction:
    """One step of the filter: struct sock_filter."""

    code: int
    value: int
    then: int = 0  # steps to skip where a comparison holds
    otherwise: int = 0


Program: TypeAlias = list[Instruction]


def build_filter(
    machine: str = "", *, namespaces: bool = True, connects: bool = True, devices: bool = False
) -> bytes:
    """Assemble the filter.

    Args:
        machine: ``x86_64`` or ``aarch64``; this machine's where empty.
        namespaces: whether the room has a network and files of its own. Without them only stream
            sockets are left, and no file's rights, owner or times can be changed.
        connects: whether ``connect`` is allowed, and handing over descriptors; asked only without
            namespaces.
        devices: whether it has a GPU, whose driver shares memory that has no file, and keeps some
            in a file that only it has open: CUDA does not start without ``memfd_create``.

    Raises:
        GraderError: a processor without a table.
    """
    machine = machine or platform.machine()
    table = {"x86_64": X86_64, "aarch64": AARCH64}.get(machine)
    if table is None:
        raise GraderError(Message("room.unknown_processor", {"machine": machine}))
    program = _check_processor(machine)
    program += [Instruction(_IF_AT_LEAST, NEWEST + 1, 0, 1), _refuse(errno.ENOSYS)]
    for name in " ".join(_REFUSED.values()).split():
        program += _on(table, name, [_refuse(errno.EPERM)])
    # The flags of clone3 hide behind a pointer; memfd_create is memory that is charged to nobody.
    for name in ("clone3",) if devices else ("clone3", "memfd_create"):
        program += _on(table, name, [_refuse(errno.ENOSYS)])
    program += _on(table, "clone", _refuse_bits(0, _NEW_NAMESPACE))
    program += _on(table, "personality", _only_values(0, (0, _QUERY_PERSONALITY)))
    program += _on(table, "ioctl", _refuse_values(1, (_TIOCSTI, _TIOCLINUX)))
    program += _on(table, "fcntl", _refuse_values(1, (_F_SETLEASE,)))
    program += _on(table, "prctl", _refuse_values(0, (_PR_SET_DUMPABLE, _PR_SCHED_CORE)))
    program += _on(table, "setsockopt", _size_buffers())
    if not devices:
        program += _on(table, "mmap", _refuse_values(3, _SHARED_WITHOUT_FILE, _MAP_KIND))
    for name in ("socket", "socketpair"):
        program += _on(table, name, _open_socket() if namespaces else _host_socket())
    if not namespaces:
        program += _without_namespaces(table, connects=connects)
    program.append(Instruction(_RETURN, _ALLOW))
    return b"".join(struct.pack("=HBBI", i.code, i.then, i.otherwise, i.value) for i in program)


def _check_processor(machine: str) -> Program:
    """Kill callers of another processor mode; leave the call's number loaded."""
    return [
        Instruction(_LOAD, _ARCH),
        Instruction(_IF_EQUAL, _AUDIT_ARCH[machine], 1, 0),
        Instruction(_RETURN, _KILL_PROCESS),
        Instruction(_LOAD, _NR),
        Instruction(_IF_AT_LEAST, _X32_BIT, 0, 1),
        Instruction(_RETURN, _KILL_PROCESS),
    ]


def _without_namespaces(table: dict[str, int], *, connects: bool) -> Program:
    """What the host's own network and files ask for in addition."""
    # What is in a message that nobody took, a descriptor of a deleted file or of another socket
    # with messages, is open nowhere: nothing shows it. A filter cannot look into a message.
    program = []
    for name in () if connects else ("connect", "sendmsg", "sendmmsg"):
        program += _on(table, name, [_refuse(errno.EPERM)])
    for name in _PRETENDED.split():
        program += _on(table, name, [_refuse(0)])
    for name, argument in _TIMES.items():
        touch = [Instruction(_IF_EQUAL, 0, 0, 1), _refuse(errno.EPERM), _refuse(0)]
        program += _on(table, name, [_argument(argument), *touch])
    for name in _ATTRIBUTES.split():
        program += _on(table, name, [_refuse(errno.EPERM)])
    program += _on(table, "ioctl", _refuse_values(1, _FILE_FLAGS))
    program += _on(table, "prlimit64", _only_values(0, (0,)))
    program += _on(table, "ioprio_set", _only_values(0, (_IOPRIO_WHO_PROCESS,), 0))
    for name, arguments in _RANKS.items():
        for argument in arguments:
            program += _on(table, name, _only_values(argument, (0,), 0))
    # A first packet can open a connection without ``connect``.
    for name, flags in (("sendto", 3), ("sendmsg", 2), ("sendmmsg", 3)):
        program += _on(table, name, _refuse_bits(flags, _MSG_FASTOPEN))
    return program


def _on(table: dict[str, int], name: str, body: Program) -> Program:
    """Run ``body`` for one call; fall through with the number loaded again."""
    if name not in table:
        return []
    if any(step.code == _LOAD for step in body):
        body = [*body, Instruction(_LOAD, _NR)]
    return [Instruction(_IF_EQUAL, table[name], 0, len(body)), *body]


def _refuse(number: int) -> Instruction:
    return Instruction(_RETURN, _ERRNO | number)


def _argument(index: int) -> Instruction:
    """Load the low half of an argument; both processors are little-endian."""
    return Instruction(_LOAD, 16 + 8 * index)


def _refuse_bits(argument: int, bits: int) -> Program:
    return [_argument(argument), Instruction(_IF_ANY_BIT, bits, 0, 1), _refuse(errno.EPERM)]


def _refuse_values(argument: int, values: tuple[int, ...], among: int = _EVERY_BIT) -> Program:
    """Refuse ``values``, where only the bits ``among`` are looked at."""
    program = [_argument(argument), Instruction(_AND, among)]
    for value in values:
        program += [Instruction(_IF_EQUAL, value, 0, 1), _refuse(errno.EPERM)]
    return program


def _only_values(argument: int, values: tuple[int, ...], number: int = errno.EPERM) -> Program:
    """Refuse all but ``values``."""
    program = [_argument(argument)]
    for position, value in enumerate(values):
        program.append(Instruction(_IF_EQUAL, value, len(values) - position, 0))
    program.append(_refuse(number))
    return program


def _size_buffers() -> Program:
    """Answered as done: a queue as large as a program asks for is memory that nobody counts."""
    sizes = [Instruction(_IF_EQUAL, size, 0, 1) for size in _BUFFER_SIZES]
    answered = [step for size in sizes for step in (size, _refuse(0))]
    return [
        _argument(1),
        Instruction(_IF_EQUAL, _SOL_SOCKET, 0, len(answered) + 1),
        _argument(2),
        *answered,
    ]


def _open_socket() -> Program:
    """Unix, IP (ipykernel looks at loopback) and route netlink; no AF_VSOCK, AF_ALG, AF_PACKET."""
    netlink = _only_values(2, (_NETLINK_ROUTE,))
    return [
        *_only_values(0, (_AF_UNIX, _AF_INET, _AF_INET6, _AF_NETLINK), errno.EAFNOSUPPORT),
        _argument(0),
        Instruction(_IF_EQUAL, _AF_NETLINK, 0, len(netlink)),
        *netlink,
    ]


def _host_socket() -> Program:
    """As above, and streams only: datagrams need no ``connect``, MPTCP and SMC evade Landlock."""
    streams = [
        _argument(1),
        Instruction(_AND, _SOCK_TYPE),
        Instruction(_IF_EQUAL, _SOCK_STREAM, 1, 0),
        _refuse(errno.EPERM),
        *_only_values(2, (0, _IPPROTO_TCP)),
    ]
    return [
        *_open_socket(),
        _argument(0),
        Instruction(_IF_EQUAL, _AF_NETLINK, len(streams), 0),
        *streams,
    ]
