#pragma once

#include <procx/version.hpp>

#include <procx/error/describe.hpp>
#include <procx/error/exceptions.hpp>
#include <procx/error/outcome.hpp>

#include <procx/wire/codec.hpp>
#include <procx/wire/fingerprint.hpp>
#include <procx/wire/portable.hpp>
#include <procx/wire/travel.hpp>

#include <procx/process/process.hpp>
#include <procx/system/stop_on_signals.hpp>

#include <procx/channel/channel.hpp>
#include <procx/channel/program.hpp>
#include <procx/channel/start.hpp>

#include <procx/exchange/exchange.hpp>
#include <procx/exchange/make_parallel.hpp>
#include <procx/exchange/make_reusable.hpp>
#include <procx/exchange/map.hpp>
#include <procx/exchange/queue.hpp>

#include <procx/dispatch/registered_task.hpp>
#include <procx/memory/shared_vector.hpp>
#include <procx/dispatch/stop_requested.hpp>
#include <procx/memory/view.hpp>

#include <procx/pool/for_each.hpp>
#include <procx/pool/lines.hpp>
#include <procx/pool/parallel_queue.hpp>
#include <procx/pool/parallel_single_task_queue.hpp>
#include <procx/pool/pmap.hpp>
#include <procx/pool/process_pool.hpp>
#include <procx/pool/replay.hpp>
#include <procx/pipeline/pipeline.hpp>

#include <procx/background/background_callable.hpp>
#include <procx/background/background_queue.hpp>
#include <procx/background/persistent_queue.hpp>

#include <procx/daemon/connection.hpp>
#include <procx/daemon/daemon.hpp>

#include <procx/jobs/job.hpp>

#include <procx/stash/dictionary_stash.hpp>
#include <procx/stash/directory_stash.hpp>
#include <procx/stash/multi_process_robust_stash.hpp>
#include <procx/stash/multi_process_stash.hpp>
#include <procx/stash/sqlite_stash.hpp>
