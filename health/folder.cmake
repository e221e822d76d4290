holdfast_library(health
  SOURCES reason silence rise_fall outlier verdict probe_plan expect json_expect http_questions m2ee prober http_probe tcp_probe backend_watch
          monitor
  LINKS holdfast::base holdfast::conf holdfast::http holdfast::net holdfast::web)
