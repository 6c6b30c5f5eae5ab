import unittest

from policy import Config, Configuration, Patient
from quarterdeck_sdk.configuration import Err


class Delays(unittest.TestCase):
    def test_they_double_up_to_the_longest(self) -> None:
        patient = Patient(Config())
        delays = [patient.delay_before(attempts) for attempts in (0, 1, 2, 3, 20, 2**32 - 1)]
        self.assertEqual(delays, [0, 500, 1_000, 2_000, 60_000, 60_000])

    def test_a_configuration_that_contradicts_itself_is_refused(self) -> None:
        with self.assertRaises(Err) as raised:
            Configuration().configure('{"first-delay-ms": 9, "longest-delay-ms": 1}')
        self.assertIn("longer", raised.exception.value)


if __name__ == "__main__":
    unittest.main()
