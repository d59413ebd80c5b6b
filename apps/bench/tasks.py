"""Small tasks on two worker processes, by multiprocessing.Pool.imap_unordered, or by Pool.imap or concurrent.futures'
ProcessPoolExecutor.map, which keep order: prints nanoseconds a task."""

import concurrent.futures
import multiprocessing
import sys
import time


def do_task(argument):
    number, factor = argument
    return number, number * factor


def task_number(n):
    return n, n % 7 + 1


def timed(results_of, count):
    """Takes the results of so many tasks, and says how long that took."""
    list(results_of(map(task_number, range(100))))  # the workers are there
    began = time.perf_counter()
    total = 0
    for _, product in results_of(map(task_number, range(count))):
        total += product
    took = time.perf_counter() - began
    assert total == sum(do_task(task_number(n))[1] for n in range(count))
    return took


def main(way, count, chunk):
    if way == "imap":
        with multiprocessing.Pool(2) as pool:
            took = timed(lambda tasks: pool.imap_unordered(do_task, tasks, chunk), count)
    elif way == "imap_in_order":
        with multiprocessing.Pool(2) as pool:
            took = timed(lambda tasks: pool.imap(do_task, tasks, chunk), count)
    else:
        with concurrent.futures.ProcessPoolExecutor(2) as pool:
            took = timed(lambda tasks: pool.map(do_task, tasks, chunksize=chunk), count)
    print(took / count * 1e9)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
