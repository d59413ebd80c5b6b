"""Round trips of an int over multiprocessing.Pipe: prints the median and the 99th percentile in microseconds."""

import multiprocessing
import sys
import time


def answer_all(there):
    try:
        while True:
            there.send(there.recv() + 1)
    except EOFError:
        pass


def main(count):
    here, there = multiprocessing.Pipe()
    other = multiprocessing.Process(target=answer_all, args=(there,))
    other.start()
    there.close()
    times = []
    for n in range(count + 100):
        began = time.perf_counter()
        here.send(n)
        answer = here.recv()
        times.append(time.perf_counter() - began)
        assert answer == n + 1
    other.terminate()  # it holds the other end of its own pipe
    other.join()
    times = sorted(times[100:])
    print(times[len(times) // 2] * 1e6, times[len(times) * 99 // 100] * 1e6)


if __name__ == "__main__":
    multiprocessing.set_start_method("fork")
    main(int(sys.argv[1]))
