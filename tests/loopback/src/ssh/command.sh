# Runs instead of whatever a client asks for. The lines above this one set folder, root and the environment of Git.
LC_ALL=C
export LC_ALL
command=${SSH_ORIGINAL_COMMAND-}
printf '%s\n' "$command" >>"$folder/commands"

refuse() {
    printf 'remote: %s\n' "$1" >&2
    exit 1
}

# Undoes the quotes that Git puts around a path: '\'' is a quote and '\!' an exclamation mark.
unquoted() {
    printf '%s' "$1" | sed "s/'\\\\\\([!']\\)'/\\1/g"
}

# Some clients send the path of a URL as it is, %20 and all.
decoded() {
    rest=$1
    text=
    while [ -n "$rest" ]; do
        case $rest in
        %[0-9a-fA-F][0-9a-fA-F]*)
            tail=${rest#???}
            digits=${rest%"$tail"}
            text=$text$(printf "\\$(printf '%03o' "0x${digits#%}")")
            ;;
        *)
            tail=${rest#?}
            text=$text${rest%"$tail"}
            ;;
        esac
        rest=$tail
    done
    printf '%s' "$text"
}

# serve PATH: does not return when there is a repository at this path.
serve() {
    for place in "$1" "$(printf '%s' "$1" | sed -n 's,^v3/\([^/]*\)/\([^/]*\)/\([^/]*\)$,\1/\2/_git/\3,p')"; do
        for repository in "$root/$place" "$root/$place.git"; do
            [ -z "$place" ] || [ ! -d "$repository/objects" ] || answer "$repository"
        done
    done
}

# answer REPOSITORY: the session is a group of processes of its own, so a cut ends all that runs in it.
answer() {
    case $fault in
    'cut '*)
        git upload-pack "$1" | {
            head -c "${fault#cut }"
            kill -s KILL 0
        }
        ;;
    *) exec git upload-pack "$1" ;;
    esac
}

fault=$(cat "$folder/fault" 2>/dev/null || :)
case $fault in
silent) exec cat >/dev/null ;;
'refuse '*) refuse "${fault#refuse }" ;;
esac

case $command in
'') refuse 'Shell access is not supported.' ;;
"git-upload-pack '"*"'" | "git upload-pack '"*"'")
    path=${command#git?upload-pack \'}
    path=$(unquoted "${path%\'}")
    ;;
'git-upload-pack '*) path=${command#git-upload-pack } ;;
*) refuse "The command is not supported: $command" ;;
esac
path=${path#/}
decoded=$(decoded "$path")
case "/$path/$decoded/" in
*/../*) refuse "The path is not supported: $path" ;;
esac
serve "$path"
serve "$decoded"
refuse "TF401019: The Git repository with name or identifier ${decoded##*/} does not exist or you do not have permissions for the operation you are attempting."
