# lop_embed(TARGET HEADER NAME=FILE…): turns files into byte arrays that TARGET's sources can include.
#
# HEADER, made in the build tree, declares `static const unsigned char lopi_asset_NAME[]` for each
# file, so one source file should include it. The array has one zero byte behind the file's bytes.
# A first line that is only a comment with an address ("/*! https… */") is left out: pages made with
# the assets name no host.
set(LOP_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(lop_embed target header)
  set(files "")
  foreach(asset ${ARGN})
    string(REGEX REPLACE "^[^=]*=" "" file ${asset})
    list(APPEND files ${file})
  endforeach()
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embed/${header})
  add_custom_command(OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DASSETS=${ARGN}" -DOUTPUT=${output} -P ${LOP_EMBED_SCRIPT}
    DEPENDS ${files} ${LOP_EMBED_SCRIPT}
    COMMENT "Embedding ${header}"
    VERBATIM)
  # A target of its own: TARGET may live in another directory, which does not see this output.
  string(MAKE_C_IDENTIFIER ${header} name)
  add_custom_target(${name} DEPENDS ${output})
  add_dependencies(${target} ${name})
  target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/embed)
endfunction()

if(CMAKE_SCRIPT_MODE_FILE)
  set(text "/* Made by cmake/embed.cmake. */\n")
  foreach(asset ${ASSETS})
    string(REGEX MATCH "^([^=]*)=(.*)$" matched ${asset})
    set(name ${CMAKE_MATCH_1})
    file(READ ${CMAKE_MATCH_2} bytes HEX)
    # 2f2a21 is "/*!", 0a the end of that line.
    if(bytes MATCHES "^2f2a21")
      string(FIND ${bytes} "2a2f0a" end)
      math(EXPR end "${end} + 6")
      string(SUBSTRING ${bytes} ${end} -1 bytes)
    endif()
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}00")
    string(REGEX REPLACE "(................................................................................)"
           "\\1\n" bytes "${bytes}")
    string(APPEND text "static const unsigned char lopi_asset_${name}[] = {\n${bytes}};\n")
  endforeach()
  file(WRITE ${OUTPUT} "${text}")
endif()
