"""The filter over system calls, run here on a small model of the kernel's machine."""

import errno
import re
import struct
from dataclasses import dataclass
from pathlib import Path

import pytest

from grader.room.seccomp import build_filter
from grader.room.syscalls import AARCH64, NEWEST, X86_64
from grader.types import GraderError

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
PROCESSORS = {"x86_64": (0xC000003E, X86_64), "aarch64": (0xC00000B7, AARCH64)}
HIGH_BITS = 1 << 32
CLONE_NEWUSER, CLONE_THREAD_FLAGS = 0x10000000, 0x003D0F00  # pthread_create's flags
TIOCSTI, TCGETS = 0x5412, 0x5401
SHARED, PRIVATE, SHARED_VALIDATE, ANONYMOUS = 1, 2, 3, 0x20
STREAM, DGRAM, CLOEXEC = 1, 2, 0o2000000
UNIX, INET, INET6, NETLINK, PACKET, ALG, VSOCK = 1, 2, 10, 16, 17, 38, 40


@dataclass(frozen=True)
class Filter:
    machine: str
    namespaces: bool = True
    connects: bool = True
    devices: bool = False

    def __call__(self, name: str | int, *args: int, arch: int | None = None) -> int:
        """What the kernel would do with this call."""
        audit, table = PROCESSORS[self.machine]
        number = table[name] if isinstance(name, str) else name
        padded = [a & 0xFFFFFFFFFFFFFFFF for a in (*args, *(0,) * 6)][:6]
        data = struct.pack("=IIQ6Q", number, audit if arch is None else arch, 0, *padded)
        program = build_filter(
            self.machine,
            namespaces=self.namespaces,
            connects=self.connects,
            devices=self.devices,
        )
        return run(program, data)


def run(program: bytes, data: bytes) -> int:
    steps = [struct.unpack_from("=HBBI", program, i) for i in range(0, len(program), 8)]
    at, accumulator = 0, 0
    while True:
        code, then, otherwise, value = steps[at]
        at += 1
        if code == 0x06:
            return value
        if code == 0x20:
            accumulator = struct.unpack_from("=I", data, value)[0]
        elif code == 0x54:
            accumulator &= value
        else:
            holds = {
                0x15: accumulator == value,
                0x35: accumulator >= value,
                0x45: bool(accumulator & value),
            }
            at += then if holds[code] else otherwise


@pytest.fixture(params=list(PROCESSORS))
def calls(request):
    return Filter(request.param)


@pytest.fixture(params=list(PROCESSORS))
def host_calls(request):
    return Filter(request.param, namespaces=False, connects=False)


@pytest.mark.parametrize(
    "name",
    "keyctl add_key request_key io_uring_setup ptrace process_vm_readv process_vm_writev bpf mount umount2 "
    "pivot_root unshare setns userfaultfd perf_event_open kexec_load open_by_handle_at fsopen move_mount "
    "shmget vmsplice".split(),
)
def test_refuses_calls_that_lead_out(calls, name):
    assert calls(name) == ERRNO | errno.EPERM


@pytest.mark.parametrize("name", ["fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat"])
def test_rights_of_the_hosts_own_files_stay_though_the_caller_is_told_otherwise(
    calls, host_calls, name
):
    assert host_calls(name) == ERRNO | 0
    assert calls(name) == ALLOW


def test_times_of_the_hosts_own_files_stay_and_who_would_touch_one_is_told(calls, host_calls):
    somewhere = 0x7FFC_1234_5678
    assert host_calls("utimensat", 0, somewhere, somewhere) == ERRNO | 0
    assert host_calls("utimensat", 0, somewhere, 0) == ERRNO | errno.EPERM
    assert calls("utimensat", 0, somewhere, 0) == ALLOW


@pytest.mark.parametrize("name", ["utime", "utimes", "futimesat"])
def test_older_ways_to_set_times_are_answered_alike(name):
    older = Filter("x86_64", namespaces=False, connects=False)
    assert older(name, 1, 1, 1) == ERRNO | 0
    assert older(name, 1, 0, 0) == ERRNO | errno.EPERM


@pytest.mark.parametrize("name", ["setxattr", "fremovexattr"])
def test_attributes_of_the_hosts_own_files_are_refused(calls, host_calls, name):
    assert host_calls(name) == ERRNO | errno.EPERM
    assert calls(name) == ALLOW


OWN_RANK, OWN_DISK_RANK = (0, 0, 5), (1, 0, 4)
SOMEBODY = 4711


@pytest.mark.parametrize(
    ("name", "own", "others"),
    [
        ("sched_setscheduler", (0, 5), (SOMEBODY, 5)),
        ("sched_setparam", (0, 5), (SOMEBODY, 5)),
        ("sched_setattr", (0, 5), (SOMEBODY, 5)),
        ("setpriority", OWN_RANK, (0, SOMEBODY, 19)),
        ("setpriority", OWN_RANK, (2, 0, 19)),  # all of the user's
        ("ioprio_set", OWN_DISK_RANK, (1, SOMEBODY, 4)),
        ("ioprio_set", OWN_DISK_RANK, (3, 0, 4)),
    ],
)
def test_without_namespaces_ranks_of_others_stay_though_the_caller_is_told_otherwise(
    calls, host_calls, name, own, others
):
    """Of the same user's processes the kernel lets anybody change them."""
    assert host_calls(name, *own) == ALLOW
    assert host_calls(name, *others) == ERRNO | 0
    assert calls(name, *others) == ALLOW  # nobody else is there


def test_without_namespaces_only_its_own_limits_can_be_changed(calls, host_calls):
    """With none for open files the grader itself ended."""
    assert host_calls("prlimit64", 0, 7) == ALLOW
    assert host_calls("prlimit64", SOMEBODY, 7) == ERRNO | errno.EPERM
    assert calls("prlimit64", SOMEBODY, 7) == ALLOW


@pytest.mark.parametrize("flags", [0x40086602, 0x401C5820, 0x40806685, 0x800C6613])
def test_flags_of_the_hosts_own_files_are_refused(calls, host_calls, flags):
    assert host_calls("ioctl", 3, flags) == ERRNO | errno.EPERM
    assert host_calls("ioctl", 3, TCGETS) == ALLOW
    assert calls("ioctl", 3, flags) == ALLOW


def test_no_file_that_others_open_is_leased(calls, host_calls):
    """They would wait for it, 45 seconds for each."""
    for one in (calls, host_calls):
        assert one("fcntl", 3, 1024, 1) == ERRNO | errno.EPERM
        assert one("fcntl", 3, 6, 1) == ALLOW  # F_SETLK


def test_nobody_hides_what_it_has_open(calls, host_calls):
    for one in (calls, host_calls):
        assert one("prctl", 4, 0) == ERRNO | errno.EPERM
        assert one("prctl", 4 | HIGH_BITS, 0) == ERRNO | errno.EPERM
        assert one("prctl", 15, 0) == ALLOW  # PR_SET_NAME


@pytest.mark.parametrize("number", [0, 1, 57, 59, 202, 231, NEWEST])
def test_allows_ordinary_calls(number):
    assert Filter("x86_64")(number) == ALLOW


def test_answers_calls_younger_than_the_table_as_not_implemented(calls):
    assert calls(NEWEST + 1) == ERRNO | errno.ENOSYS


def test_kills_callers_in_another_processor_mode(calls):
    i386 = 0x40000003
    assert calls("clone", arch=i386) == KILL


def test_kills_the_x32_convention():
    assert Filter("x86_64")(0x40000000 | X86_64["ptrace"]) == KILL


def test_threads_and_forks_pass_but_namespaces_do_not(calls):
    assert calls("clone", CLONE_THREAD_FLAGS) == ALLOW
    assert calls("clone", CLONE_NEWUSER | 17) == ERRNO | errno.EPERM


@pytest.mark.parametrize("name", ["clone3", "memfd_create"])
def test_calls_for_which_libraries_have_another_way_are_not_implemented(calls, name):
    assert calls(name) == ERRNO | errno.ENOSYS


@pytest.mark.parametrize("more", [0, 0x4000, 0x40000, HIGH_BITS])  # NORESERVE, HUGETLB
@pytest.mark.parametrize("kind", [SHARED, SHARED_VALIDATE])
def test_memory_is_not_shared_without_a_file(calls, kind, more):
    assert calls("mmap", 0, 4096, 3, kind | ANONYMOUS | more) == ERRNO | errno.EPERM
    assert calls("mmap", 0, 4096, 3, kind | more) == ALLOW  # of a file
    assert calls("mmap", 0, 4096, 3, PRIVATE | ANONYMOUS | more) == ALLOW


@pytest.mark.parametrize(
    "closed", [{}, {"namespaces": False, "connects": False}], ids=["full", "reduced"]
)
@pytest.mark.parametrize("machine", PROCESSORS)
def test_a_room_with_a_gpu_refuses_all_that_others_refuse_but_two(machine, closed):
    """Call by call, each with arguments that filters look at."""
    usual, gpu = Filter(machine, **closed), Filter(machine, devices=True, **closed)
    table = PROCESSORS[machine][1]
    names = {number: name for name, number in table.items()}
    values = (
        0,
        1,
        2,
        7,
        SHARED | ANONYMOUS,
        SHARED_VALIDATE | ANONYMOUS,
        TIOCSTI,
        0x7E020000,
        16,
        1024,
    )
    arguments = [(0,) * 6, *((value,) * 6 for value in values)]
    arguments += [(0,) * place + (value,) for place in range(6) for value in values]
    programs = [build_filter(machine, devices=one.devices, **closed) for one in (usual, gpu)]
    audit = PROCESSORS[machine][0]
    other: dict[str, set[int]] = {}
    for number in range(NEWEST + 2):
        for given in arguments:
            padded = (*given, *(0,) * 6)[:6]
            data = struct.pack("=IIQ6Q", number, audit, 0, *padded)
            before, after = (run(program, data) for program in programs)
            if before != after:
                assert after == ALLOW
                other.setdefault(names[number], set()).add(padded[3])
    assert set(other) == {"memfd_create", "mmap"}
    assert other["mmap"] == {SHARED | ANONYMOUS, SHARED_VALIDATE | ANONYMOUS}


def test_the_driver_of_a_gpu_shares_memory_without_a_file():
    assert Filter("x86_64", devices=True)("mmap", 0, 4096, 3, SHARED | ANONYMOUS) == ALLOW


@pytest.mark.parametrize("high", [0, HIGH_BITS, 7 << 40])
def test_terminal_injection_is_refused_whatever_the_high_bits_say(calls, high):
    assert calls("ioctl", 0, TIOCSTI | high) == ERRNO | errno.EPERM
    assert calls("ioctl", 0, TCGETS | high) == ALLOW


@pytest.mark.parametrize("option", [7, 8, 32, 33])  # SO_SNDBUF, SO_RCVBUF, with FORCE
@pytest.mark.parametrize("high", [0, HIGH_BITS])
def test_a_queue_keeps_its_size_though_the_caller_is_told_otherwise(calls, option, high):
    assert calls("setsockopt", 3, 1 | high, option | high) == ERRNO | 0


@pytest.mark.parametrize(("level", "option"), [(1, 2), (1, 9), (6, 7), (0, 8)])
def test_other_settings_of_sockets_pass(calls, level, option):
    assert calls("setsockopt", 3, level, option) == ALLOW


@pytest.mark.parametrize("family", [UNIX, INET, INET6, NETLINK])
def test_families_that_ipykernel_needs_pass(calls, family):
    assert calls("socket", family, STREAM | CLOEXEC, 0) == ALLOW


@pytest.mark.parametrize("family", [PACKET, ALG, VSOCK, VSOCK | HIGH_BITS, 3, 44])
def test_other_socket_families_do_not_exist(calls, family):
    assert calls("socket", family, STREAM, 0) == ERRNO | errno.EAFNOSUPPORT


def test_netlink_speaks_of_routes_only(calls):
    netfilter = 12
    assert calls("socket", NETLINK, 3, 0) == ALLOW
    assert calls("socket", NETLINK, 3, netfilter) == ERRNO | errno.EPERM


def test_on_the_hosts_network_only_plain_streams_are_left(host_calls):
    mptcp, udp = 262, 17
    assert host_calls("socket", INET, STREAM | CLOEXEC, 0) == ALLOW
    assert host_calls("socket", INET, STREAM, mptcp) == ERRNO | errno.EPERM
    assert host_calls("socket", INET, DGRAM | CLOEXEC, udp) == ERRNO | errno.EPERM
    assert host_calls("socket", UNIX, DGRAM, 0) == ERRNO | errno.EPERM
    assert host_calls("socketpair", UNIX, DGRAM, 0) == ERRNO | errno.EPERM
    assert host_calls("socketpair", UNIX, STREAM, 0) == ALLOW


def test_on_the_hosts_network_nothing_connects(host_calls):
    fast_open = 0x20000000
    assert host_calls("connect", 3) == ERRNO | errno.EPERM
    assert host_calls("sendto", 3, 0, 0, fast_open) == ERRNO | errno.EPERM
    assert host_calls("sendmsg", 3, 0, fast_open) == ERRNO | errno.EPERM
    assert host_calls("sendmmsg", 3, 0, 0, fast_open) == ERRNO | errno.EPERM
    assert host_calls("sendto", 3, 0, 0, 0) == ALLOW


@pytest.mark.parametrize("name", ["sendmsg", "sendmmsg"])
def test_on_the_hosts_network_nobody_hands_over_what_nobody_then_has_open(host_calls, name):
    assert host_calls(name, 3) == ERRNO | errno.EPERM


@pytest.mark.parametrize("name", ["connect", "sendmsg"])
@pytest.mark.parametrize("machine", list(PROCESSORS))
def test_a_driver_may_connect_and_hand_over_sockets(machine, name):
    assert Filter(machine, namespaces=False, connects=True)(name, 3) == ALLOW


@pytest.mark.parametrize("name", ["connect", "sendmsg", "sendmmsg"])
def test_a_room_with_a_network_of_its_own_connects_within_it(calls, name):
    assert calls(name, 3) == ALLOW


def test_an_unknown_processor_is_an_error_of_ours():
    with pytest.raises(GraderError) as raised:
        build_filter("riscv64")
    assert raised.value.message.id == "room.unknown_processor"


def test_the_kernels_limit_on_steps_is_far():
    assert len(build_filter("x86_64", namespaces=False, connects=False)) // 8 < 4096


# --- the table, against the kernel's own headers

HEADERS = {  # of linux-libc-dev and its kin; the first that is there
    "x86_64": ("x86_64-linux-gnu/asm/unistd_64.h", "asm/unistd_64.h"),
    "aarch64": ("aarch64-linux-gnu/asm/unistd_64.h", "asm-generic/unistd.h"),
}
SOME_CALL = {"x86_64": ("read", 0), "aarch64": ("read", 63)}  # tells whose header it is


def kernels_numbers(machine: str) -> dict[str, int]:
    """Every system call that this machine's headers define for a processor."""
    for name in HEADERS[machine]:
        path = Path("/usr/include", name)
        if path.is_file():
            found = re.findall(
                r"^#define __NR(?:3264)?_(\w+)[ \t]+(\d+)$", path.read_text(), re.MULTILINE
            )
            numbers = {call: int(number) for call, number in found}
            call, number = SOME_CALL[machine]
            if numbers.get(call) == number:
                return numbers
    pytest.skip(f"no kernel headers for {machine} on this machine")


@pytest.mark.parametrize("machine", list(PROCESSORS))
def test_the_table_has_the_kernels_own_numbers(machine):
    numbers = kernels_numbers(machine)
    _, table = PROCESSORS[machine]
    youngest = max(numbers.values())
    known = {name: number for name, number in table.items() if number <= youngest}
    assert known
    assert known == {name: numbers.get(name) for name in known}


@pytest.mark.parametrize("machine", list(PROCESSORS))
def test_no_call_that_one_processor_refuses_is_forgotten_on_the_other(machine):
    _, table = PROCESSORS[machine]
    named = X86_64.keys() | AARCH64.keys()
    assert named & kernels_numbers(machine).keys() <= table.keys()
