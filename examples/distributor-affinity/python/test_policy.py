import unittest

from policy import Configuration, Distribute, remembered
from quarterdeck_sdk.distributor import Batch, Plan, Priority, Task, Worker


def task(name: str, kind: str) -> Task:
    return Task(name, kind, Priority.MEDIUM, [], [], 0, None, [], [])


def plan(tasks: list[Task], state: bytes) -> Plan:
    Configuration().configure("{}")
    workers = [Worker("a", 0, 1, 0.0, [], []), Worker("b", 0, 2, 0.0, [], [])]
    return Distribute().distribute(Batch(tasks, workers, limit=9, running=0, state=state, time_ms=0))


class Strategy(unittest.TestCase):
    def test_a_kind_comes_home_as_long_as_there_is_room(self) -> None:
        first = plan([task("1", "build")], b"")
        tasks = [task("2", "test"), task("3", "build"), task("4", "build"), task("5", "build")]
        then = plan(tasks, first.state)
        assigned = [(it.task_id, it.session_id) for it in then.assignments]
        self.assertEqual(assigned, [("2", "b"), ("3", "b"), ("4", "a")])
        self.assertEqual([it.reason for it in then.waits], ["Every worker is busy."])

    def test_a_state_of_another_version_is_forgotten(self) -> None:
        self.assertEqual(remembered(b"\x02whatever"), {})
        self.assertEqual(remembered(b""), {})


if __name__ == "__main__":
    unittest.main()
