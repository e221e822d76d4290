# cmake --install: what a package has in it. It needs holdfast and holdfastctl built, and nothing else.
include(GNUInstallDirs)

install(TARGETS holdfast holdfastctl RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# The unit names the program and the docs by where they are put, which --prefix may still change.
install(CODE "
  file(READ \"${PROJECT_SOURCE_DIR}/packaging/systemd/holdfast.service\" unit)
  string(REPLACE /usr/bin/ \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" unit \"\${unit}\")
  string(REPLACE /usr/share/doc/holdfast/ \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DOCDIR}/\" unit \"\${unit}\")
  file(WRITE \"${CMAKE_BINARY_DIR}/packaging/holdfast.service\" \"\${unit}\")")
# Not LIBDIR: systemd looks into lib, whatever the machine.
install(FILES ${CMAKE_BINARY_DIR}/packaging/holdfast.service DESTINATION lib/systemd/system)

install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} FILES_MATCHING PATTERN *.md PATTERN *.png)
install(DIRECTORY conf/examples DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(DIRECTORY packaging/prometheus DESTINATION ${CMAKE_INSTALL_DATADIR}/holdfast)
