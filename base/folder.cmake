holdfast_library(base
  SOURCES check histogram text log
  LINKS fmt::fmt Threads::Threads
  PRIVATE_LINKS spdlog::spdlog)
