# What the author of a test shell would have installed: iTerm2's shell integration, in short.
# Marks where prompts, commands and output begin and end, and tells the folder.
PS1='\[\e]133;A\a\]\w \$ \[\e]133;B\a\]'
PS0='\e]133;C;\a'
PROMPT_COMMAND='__status=$?; printf "\e]133;D;%s\a\e]1337;RemoteHost=%s@%s\a\e]1337;CurrentDir=%s\a" "$__status" "${USER:-root}" "$HOSTNAME" "$PWD"'
