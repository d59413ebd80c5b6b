"""Small items through three stages of two processes each, by multiprocessing.Process and Queue: prints nanoseconds an item."""

import multiprocessing
import sys
import threading
import time

END = None


def number_of(n):
    return n, n % 7 + 1


def same(item):
    return item


def product(item):
    number, factor = item
    return number, number * factor


def run_stage(function, source, target):
    while (item := source.get()) is not END:
        target.put(function(item))


def main(count):
    functions = [number_of, same, product]
    queues = [multiprocessing.Queue(10_000) for _ in range(len(functions) + 1)]
    stages = [
        [multiprocessing.Process(target=run_stage, args=(f, queues[i], queues[i + 1])) for _ in range(2)]
        for i, f in enumerate(functions)
    ]
    for stage in stages:
        for process in stage:
            process.start()

    def feed():
        for n in range(count):
            queues[0].put(n)

    began = time.perf_counter()
    feeder = threading.Thread(target=feed)
    feeder.start()
    total = 0
    for _ in range(count):
        total += queues[-1].get()[1]
    took = time.perf_counter() - began
    feeder.join()
    for i, stage in enumerate(stages):
        for _ in stage:
            queues[i].put(END)
        for process in stage:
            process.join()
    assert total == sum(product(number_of(n))[1] for n in range(count))
    print(took / count * 1e9)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main(int(sys.argv[1]))
