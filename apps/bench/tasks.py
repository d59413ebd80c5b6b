"""Small tasks through multiprocessing.Pool.imap_unordered with two workers: prints nanoseconds a task."""

import multiprocessing
import sys
import time


def do_task(argument):
    number, factor = argument
    return number, number * factor


def task_number(n):
    return n, n % 7 + 1


def main(count, chunk):
    with multiprocessing.Pool(2) as pool:
        list(pool.imap_unordered(do_task, map(task_number, range(100)), chunk))  # the workers are there
        began = time.perf_counter()
        total = 0
        for _, product in pool.imap_unordered(do_task, map(task_number, range(count)), chunk):
            total += product
        took = time.perf_counter() - began
    assert total == sum(do_task(task_number(n))[1] for n in range(count))
    print(took / count * 1e9)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main(int(sys.argv[1]), int(sys.argv[2]))
