"""What Linux's own gdb commands (scripts/gdb of 6.1) read of a kernel is there, by its name, and of that type.

Needs nothing of Linux: the commands themselves run in tests/linux/test_gdb_scripts.py. The comments name their files.
"""

import re
from pathlib import Path

import pytest

from kernel.image import find_image
from tests.realgdb.harness import gdb_batch

pytestmark = pytest.mark.gdb

ROOT = Path(__file__).parents[2]

TYPES = {
    # utils.py, at its import
    "((atomic_long_t *)0)->counter": "s64",
    # tasks.py; the first is what 6.1 walks, the other two what Linux has walked since 6.7
    "((struct task_struct *)0)->thread_group.next": "struct list_head *",
    "((struct task_struct *)0)->thread_node.next": "struct list_head *",
    "((struct task_struct *)0)->signal->thread_head.next": "struct list_head *",
    "init_task": "struct task_struct",
    "init_task.tasks": "struct list_head",
    "init_task.pid": "pid_t",
    "init_task.comm": "char [16]",
    "init_task.thread_info": "struct thread_info",
    # cpus.py
    "current_task": "struct task_struct *",
    # rbtree.py
    "((struct rb_root *)0)->rb_node": "struct rb_node *",
    "((struct rb_node *)0)->__rb_parent_color": "unsigned long",
    "((struct rb_node *)0)->rb_left": "struct rb_node *",
    "((struct rb_node *)0)->rb_right": "struct rb_node *",
    "runqueues.cfs.tasks_timeline.rb_root": "struct rb_root",
    # dmesg.py
    "'printk.c'::prb": "struct printk_ringbuffer *",
    "prb->desc_ring.count_bits": "unsigned int",
    "prb->desc_ring.descs": "struct prb_desc *",
    "prb->desc_ring.infos": "struct printk_info *",
    "prb->desc_ring.head_id": "atomic_long_t",
    "prb->desc_ring.tail_id": "atomic_long_t",
    "prb->text_data_ring.size_bits": "unsigned int",
    "prb->text_data_ring.data": "char *",
    "prb->desc_ring.descs->state_var": "atomic_long_t",
    "prb->desc_ring.descs->text_blk_lpos": "struct prb_data_blk_lpos",
    "prb->desc_ring.descs->text_blk_lpos.begin": "unsigned long",
    "prb->desc_ring.descs->text_blk_lpos.next": "unsigned long",
    "prb->desc_ring.infos->ts_nsec": "u64",
    "prb->desc_ring.infos->text_len": "u16",
    # proc.py
    "saved_command_line": "char *",
    "linux_banner": "const char [",
    "init_task.nsproxy->mnt_ns->list": "struct list_head",
    "((struct mount *)0)->mnt_list": "struct list_head",
    "((struct mount *)0)->mnt_devname": "const char *",
    "((struct mount *)0)->mnt_mountpoint->d_parent": "struct dentry *",
    "((struct mount *)0)->mnt_mountpoint->d_iname": "char [32]",
    "((struct mount *)0)->mnt_parent": "struct mount *",
    "((struct mount *)0)->mnt.mnt_flags": "int",
    "((struct mount *)0)->mnt.mnt_sb->s_flags": "unsigned long",
    "((struct mount *)0)->mnt.mnt_sb->s_type->name": "const char *",
    # timerlist.py, at its import, and constants.py
    "((struct hrtimer *)0)->node": "struct timerqueue_node",
    "((struct timerqueue_node *)0)->expires": "ktime_t",
    "hrtimer_bases.clock_base[0].active.rb_root.rb_leftmost": "struct rb_node *",
    "hrtimer_resolution": "unsigned int",
}


@pytest.fixture(scope="module")
def types():
    """gdb's `whatis` of each, in order, without a target."""
    commands = [f"whatis {expression}" for expression in TYPES]
    said = gdb_batch(*commands, file=find_image().vmlinux)
    return dict(zip(TYPES, re.findall(r"^type = (.*)", said, re.MULTILINE), strict=True))


@pytest.mark.parametrize("expression", TYPES)
def test_is_there(types, expression):
    assert types[expression].startswith(TYPES[expression])


def test_thread_info_comes_first():
    said = gdb_batch("print &((struct task_struct *)0)->thread_info", file=find_image().vmlinux)
    assert said.split()[-1] == "0x0"


def test_the_constants_are_the_headers():
    constants = dict(re.findall(r"^LX_(MNT_\w+) = (\w+)", (ROOT / "gdb-scripts/linux_constants.py").read_text(), re.M))
    header = (ROOT / "kernel/guest/include/linux/mount.h").read_text()
    assert constants == dict(re.findall(r"^#define (MNT_\w+)\s+(\w+)", header, re.MULTILINE))
    assert len(constants) == 6
