holdfast_library(health
  SOURCES reason silence rise_fall outlier suspicion verdict backend_reasons backend_state backend_events probe_stats
          probe_plan expect json_expect http_questions m2ee prober http_probe tcp_probe make_prober backend_probes
          backend_watch monitor
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::net holdfast::web)
