import unittest

from policy import Configuration, Distribute
from quarterdeck_sdk.distributor import Batch, Priority, Task, Worker


class Strategy(unittest.TestCase):
    def test_the_roomiest_worker_is_taken_and_nobody_is_overfull(self) -> None:
        Configuration().configure("{}")
        tasks = [Task(name, "command", Priority.MEDIUM, [], [], 0, None, [], []) for name in "1234"]
        workers = [Worker("a", 0, 1, 0.0, [], []), Worker("b", 0, 2, 0.0, [], [])]
        plan = Distribute().distribute(Batch(tasks, workers, limit=9, running=0, state=b"", time_ms=0))
        self.assertEqual(plan.assignments[0].session_id, "b")
        self.assertEqual((len(plan.assignments), len(plan.waits)), (3, 1))
