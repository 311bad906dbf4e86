# Settings as a machine has them: forty small files of text. And one file that no compressor makes smaller.
mkdir -p settings blob out
number=0
for unit in /usr/lib/systemd/system/*.service; do
    [ -f "$unit" ] && [ "$(wc -c <"$unit")" -lt 2000 ] || continue
    number=$((number + 1))
    cp "$unit" settings/
    [ "$number" -lt 40 ] || break
done
python3 -c 'import hashlib, sys; sys.stdout.buffer.write(hashlib.shake_256(b"x").digest(20000))' >blob/database
chmod -R a+rwX settings blob out
