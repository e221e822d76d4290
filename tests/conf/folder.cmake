holdfast_tests(conf
  NAMES toml_tree words good bad bad_values dump preset examples docs reload
  LINKS holdfast::conf)
