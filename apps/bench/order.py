"""Tasks of a millisecond behind one that takes long, by multiprocessing.Pool.imap or imap_unordered with two workers:
prints the milliseconds that all take, and by how many MiB the memory of this process has grown at most."""

import multiprocessing
import sys
import time


def spin(seconds):
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


def result_of(task):
    number, seconds, size = task
    spin(seconds)
    return number, bytes([number % 256]) * size


def memory(line):
    with open("/proc/self/status") as status:
        return next(int(text.split()[1]) / 1024 for text in status if text.startswith(line))


def main(way, count, first, size):
    tasks = [(n, first / 1e3 if n == 0 else 1e-3, size) for n in range(count + 1)]
    with multiprocessing.Pool(2) as pool:
        list(pool.imap(spin, [0] * 10))  # the workers are there
        before = memory("VmRSS")
        began = time.perf_counter()
        numbers = []
        for number, result in getattr(pool, way)(result_of, tasks):
            assert len(result) == size and result[0] == result[-1] == number % 256
            numbers.append(number)
        took = time.perf_counter() - began
        grown = memory("VmHWM") - before
    assert sorted(numbers) == list(range(count + 1))
    assert way != "imap" or numbers == sorted(numbers)
    print(took * 1e3, max(grown, 0.01))


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main(sys.argv[1], *map(int, sys.argv[2:]))
