// Tlogcheck verifies a log in the C2SP tlog-tiles format with the Go project's own libraries.
//
// It shares no code with Glideslope: signature and note come from golang.org/x/mod/sumdb/note, every
// hash and proof from golang.org/x/mod/sumdb/tlog, and only the paths are spelt out here.
//
//	tlogcheck FOLDER VKEY
//
// It checks the signature of the checkpoint and of each archived one; recomputes the root from the
// entries; proves the first, the middle and the last entry from the tiles, and that the log
// continues each archived checkpoint. It prints one line of JSON, or what is wrong with exit code 1.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

type report struct {
	Origin     string `json:"origin"`
	Size       int64  `json:"size"`
	Root       string `json:"root"`
	Included   int    `json:"included"`
	Consistent int    `json:"consistent"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: tlogcheck FOLDER VKEY")
		os.Exit(2)
	}
	found, err := check(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "tlogcheck:", err)
		os.Exit(1)
	}
	line, err := json.Marshal(found)
	if err != nil {
		panic(err) // a struct of strings and numbers
	}
	fmt.Println(string(line))
}

func check(folder, vkey string) (*report, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, err
	}
	tree, origin, err := checkpoint(filepath.Join(folder, "checkpoint"), verifier)
	if err != nil {
		return nil, err
	}
	leaves, err := leafHashes(folder, tree.N)
	if err != nil {
		return nil, err
	}
	root, err := rootOf(leaves)
	if err != nil {
		return nil, err
	}
	if root != tree.Hash {
		return nil, fmt.Errorf("the entries' root is %v, the checkpoint's %v", root, tree.Hash)
	}
	tiles := tlog.TileHashReader(tree, &folderTiles{folder})
	included, err := included(tree, leaves, tiles)
	if err != nil {
		return nil, err
	}
	consistent, err := consistent(folder, tree, verifier, tiles)
	if err != nil {
		return nil, err
	}
	return &report{origin, tree.N, tree.Hash.String(), included, consistent}, nil
}

// Checkpoint reads a note in the tlog-checkpoint format that the verifier's key has signed.
func checkpoint(path string, verifier note.Verifier) (tlog.Tree, string, error) {
	none := tlog.Tree{}
	raw, err := os.ReadFile(path)
	if err != nil {
		return none, "", err
	}
	opened, err := note.Open(raw, note.VerifierList(verifier))
	if err != nil {
		return none, "", fmt.Errorf("%s: %w", path, err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return none, "", fmt.Errorf("%s: it has fewer than three lines", path)
	}
	if lines[0] != verifier.Name() {
		return none, "", fmt.Errorf("%s: it is of %s", path, lines[0])
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || size < 0 || strconv.FormatInt(size, 10) != lines[1] {
		return none, "", fmt.Errorf("%s: %q is no size", path, lines[1])
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return none, "", fmt.Errorf("%s: %q is no root", path, lines[2])
	}
	return tlog.Tree{N: size, Hash: tlog.Hash(root)}, lines[0], nil
}

// LeafHashes reads the entry bundles: each entry is a big-endian uint16 length and its bytes.
func leafHashes(folder string, size int64) ([]tlog.Hash, error) {
	var hashes []tlog.Hash
	for bundle := int64(0); bundle*tileWidth < size; bundle++ {
		width := min(size-bundle*tileWidth, tileWidth)
		path := filepath.Join(folder, "tile", "entries", filepath.FromSlash(number(bundle, width)))
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		for range width {
			if len(raw) < 2 || len(raw)-2 < int(binary.BigEndian.Uint16(raw)) {
				return nil, fmt.Errorf("%s: it ends too early", path)
			}
			end := 2 + int(binary.BigEndian.Uint16(raw))
			hashes = append(hashes, tlog.RecordHash(raw[2:end]))
			raw = raw[end:]
		}
		if len(raw) > 0 {
			return nil, fmt.Errorf("%s: it goes on after its last entry", path)
		}
	}
	return hashes, nil
}

// RootOf appends all leaves to an empty tree, in the library's own storage of hashes.
func rootOf(leaves []tlog.Hash) (tlog.Hash, error) {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, len(indexes))
		for i, index := range indexes {
			hashes[i] = stored[index]
		}
		return hashes, nil
	})
	for n, leaf := range leaves {
		grown, err := tlog.StoredHashesForRecordHash(int64(n), leaf, reader)
		if err != nil {
			return tlog.Hash{}, err
		}
		stored = append(stored, grown...)
	}
	return tlog.TreeHash(int64(len(leaves)), reader)
}

func included(tree tlog.Tree, leaves []tlog.Hash, tiles tlog.HashReader) (int, error) {
	proven := 0
	for _, n := range []int64{0, tree.N / 2, tree.N - 1} {
		if n < 0 || n >= tree.N {
			continue // the empty log
		}
		proof, err := tlog.ProveRecord(tree.N, n, tiles)
		if err != nil {
			return 0, fmt.Errorf("entry %d: %w", n, err)
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, n, leaves[n]); err != nil {
			return 0, fmt.Errorf("entry %d: %w", n, err)
		}
		proven++
	}
	return proven, nil
}

func consistent(
	folder string, tree tlog.Tree, verifier note.Verifier, tiles tlog.HashReader,
) (int, error) {
	archived, err := os.ReadDir(filepath.Join(folder, "checkpoints"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	proven := 0
	for _, file := range archived {
		older, _, err := checkpoint(filepath.Join(folder, "checkpoints", file.Name()), verifier)
		if err != nil {
			return 0, err
		}
		if older.N == 0 {
			continue // every log continues the empty one
		}
		proof, err := tlog.ProveTree(tree.N, older.N, tiles)
		if err != nil {
			return 0, fmt.Errorf("from size %d: %w", older.N, err)
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			return 0, fmt.Errorf("from size %d: %w", older.N, err)
		}
		proven++
	}
	return proven, nil
}

// FolderTiles hands out tiles of a folder; the library checks them against the tree's hash.
type folderTiles struct{ folder string }

func (*folderTiles) Height() int { return tileHeight }

func (t *folderTiles) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, tile := range tiles {
		name := number(tile.N, int64(tile.W))
		path := filepath.Join(t.folder, "tile", strconv.Itoa(tile.L), filepath.FromSlash(name))
		raw, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		data[i] = raw
	}
	return data, nil
}

func (*folderTiles) SaveTiles([]tlog.Tile, [][]byte) {}

// Number spells a tile's index: 1234067 is x001/x234/067, and a narrow one ends in .p/WIDTH.
func number(n, width int64) string {
	spelt := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		spelt = fmt.Sprintf("x%03d/%s", n%1000, spelt)
	}
	if width < tileWidth {
		spelt += fmt.Sprintf(".p/%d", width)
	}
	return spelt
}
