holdfast_library(conf
  SOURCES diagnostic toml_scan toml_tree diagnostics words address_words values key_table
          redis_url tables_admin tables_process tables_redis tables_pool tables_probe tables_route preset assemble reader reload
  LINKS holdfast::base
  PRIVATE_LINKS fmt::fmt)
